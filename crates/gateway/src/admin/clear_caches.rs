//! `/admin/realms/{realm}/clear-{realm,user,keys}-cache`: tools call them after they have changed a database behind the server's
//! back. Here each cache follows the change log of its owner, so that there is nothing stale to clear.

use super::{
    answer::no_content,
    authorization::{Admin, ManageRealm},
    error::Answer,
};
use crate::App;
use axum::{Router, routing::post};

pub(super) fn router() -> Router<App> {
    ["realm", "user", "keys"].iter().fold(Router::new(), |router, cache| {
        router.route(&format!("/admin/realms/{{realm}}/clear-{cache}-cache"), post(clear))
    })
}

async fn clear(_: Admin<ManageRealm>) -> Answer {
    Ok(no_content())
}
