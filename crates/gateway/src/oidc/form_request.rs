//! What the endpoints that read forms get.

use super::{error::Caching, form::FormBody, realm::RealmName};
use crate::{App, request_context::RequestContext};
use axum::{
    extract::{FromRequest, FromRequestParts as _, Request},
    http::{HeaderMap, Uri},
    response::Response,
};

/// A request with a form body; a body that can't be read has been refused.
pub(crate) struct FormRequest {
    pub(crate) context: RequestContext,
    pub(crate) realm_name: String,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: FormBody,
}

impl FromRequest<App> for FormRequest {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let RealmName(realm_name) = RealmName::from_request_parts(&mut parts, app).await?;
        let Ok(context) = RequestContext::from_request_parts(&mut parts, app).await;
        match FormBody::read(&parts.headers, body, app.config.max_form_bytes).await {
            Ok(body) => Ok(Self { context, realm_name, uri: parts.uri, headers: parts.headers, body }),
            Err(error) => Err(error.response(context.id(), Caching::NoStore)),
        }
    }
}
