//! The forms of good answers.

use super::error::Error;
use crate::address::base_url::{base, push_path_segment};
use crate::{App, request_context::RequestContext};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Serialize;

const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// 200 with a JSON document.
pub(crate) fn json(document: &impl Serialize) -> Result<Response, Error> {
    let text =
        serde_json::to_vec(document).map_err(|_| Error::IncompleteAnswer("a document that JSON can hold"))?;
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response.headers_mut().insert(header::CACHE_CONTROL, NO_CACHE);
    Ok(response)
}

/// 204.
pub(crate) fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// 201 with the absolute address of what was made: the base, `/admin/realms`, and these segments.
pub(crate) fn created(app: &App, context: &RequestContext, segments: &[&str]) -> Result<Response, Error> {
    let mut location = base(&app.config, context);
    location.push_str("/admin/realms");
    for segment in segments {
        location.push('/');
        push_path_segment(&mut location, segment);
    }
    let location = HeaderValue::try_from(location)
        .map_err(|_| Error::IncompleteAnswer("an address that fits a header"))?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::CREATED;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}
