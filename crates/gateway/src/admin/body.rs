//! Reads the JSON body of a request.

use super::{
    error::Error,
    representation::{Representation, parse, parse_list},
};
use crate::App;
use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
    http::header,
};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A body that claims to be JSON (or claims nothing), not yet read.
pub(crate) struct JsonBody(Bytes);

impl JsonBody {
    /// One representation.
    pub(crate) fn read<T: Representation>(&self) -> Result<T, Error> {
        parse(&self.0)
    }

    /// A document of which parts are read later.
    pub(crate) fn document(&self) -> Result<Value, Error> {
        serde_json::from_slice(&self.0).map_err(|_| Error::UnreadableRealm)
    }

    /// Something whose unknown members are ignored.
    pub(crate) fn read_plain<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let document: Value = serde_json::from_slice(&self.0).map_err(|_| Error::InvalidJson)?;
        T::deserialize(document).map_err(|_| Error::MismatchedJson)
    }

    /// A list of representations.
    pub(crate) fn read_list<T: Representation>(&self) -> Result<Vec<T>, Error> {
        parse_list(&self.0)
    }
}

impl FromRequest<App> for JsonBody {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self, Error> {
        let json = request.headers().get(header::CONTENT_TYPE).is_none_or(|kind| {
            let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case("application/json")
                || kind.to_ascii_lowercase().ends_with("+json")
                || kind == "*/*"
        });
        if !json {
            return Err(Error::UnsupportedMediaType);
        }
        let limit = app.config.max_admin_body_bytes;
        let body = to_bytes(request.into_body(), limit).await.map_err(|_| Error::BodyTooLarge)?;
        Ok(Self(body))
    }
}
