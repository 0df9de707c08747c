//! The Admin REST API: `/admin/realms/...`, in Keycloak's representations.

use crate::App;
use axum::Router;

/// The routes below `/admin`.
pub fn router() -> Router<App> {
    Router::new()
}
