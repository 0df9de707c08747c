//! `/admin/realms/{realm}/events`, `…/events/config` and `…/admin-events`.

use super::{
    answer::{json, no_content},
    authorization::{Admin, ManageEvents, ViewEvents},
    body::JsonBody,
    error::{Answer, Error},
    query::Query,
    realms::change,
    representation::{EventsConfigRepresentation, show_admin_event, show_events_config, show_login_event},
};
use crate::{App, Services};
use axum::{Router, routing::get};
use latchkey_api::{
    audit::v1::{
        ClearAdminEventsRequest, ClearLoginEventsRequest, ListAdminEventsRequest, ListLoginEventsRequest,
    },
    common::v1::{CatchUpRequest, HeadRequest, Page},
};
use tonic::Request;

/// How many events are answered where nothing is said.
const DEFAULT_MAX: u32 = 100;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/admin/realms/{realm}/events", get(list).delete(clear))
        .route("/admin/realms/{realm}/events/config", get(config).put(update_config))
        .route("/admin/realms/{realm}/admin-events", get(list_admin).delete(clear_admin))
}

async fn config(admin: Admin<ViewEvents>) -> Answer {
    json(&show_events_config(&admin.realm))
}

async fn update_config(admin: Admin<ManageEvents>, body: JsonBody) -> Answer {
    let representation: EventsConfigRepresentation = body.read()?;
    let event = admin.event("UPDATE", "REALM", "events/config", None);
    change(&admin, event, |realm| representation.apply(realm)).await?;
    Ok(no_content())
}

async fn list(admin: Admin<ViewEvents>, query: Query) -> Answer {
    let text = |name: &str| query.text(name).unwrap_or_default().to_owned();
    let request = ListLoginEventsRequest {
        realm_id: admin.realm_id(),
        types: query.texts("type"),
        client_id: text("client"),
        user_id: text("user"),
        ip_address: text("ipAddress"),
        from_ms: date(&query, "dateFrom", 0)?,
        to_ms: date(&query, "dateTo", DAY_MS - 1)?,
        ascending: query.text("direction") == Some("asc"),
        page: Some(page(&query)?),
    };
    let found = admin.services().audit.list_login_events(Request::new(request)).await?.into_inner();
    json(&found.events.iter().map(show_login_event).collect::<Vec<_>>())
}

async fn clear(admin: Admin<ManageEvents>) -> Answer {
    let request = ClearLoginEventsRequest { realm_id: admin.realm_id() };
    admin.services().audit.clear_login_events(Request::new(request)).await?;
    Ok(no_content())
}

async fn list_admin(admin: Admin<ViewEvents>, query: Query) -> Answer {
    catch_up(admin.services()).await?;
    let text = |name: &str| query.text(name).unwrap_or_default().to_owned();
    let request = ListAdminEventsRequest {
        realm_id: admin.realm_id(),
        operation_types: query.texts("operationTypes"),
        resource_types: query.texts("resourceTypes"),
        resource_path: text("resourcePath"),
        auth_realm_id: text("authRealm"),
        auth_client_id: text("authClient"),
        auth_user_id: text("authUser"),
        auth_ip_address: text("authIpAddress"),
        from_ms: date(&query, "dateFrom", 0)?,
        to_ms: date(&query, "dateTo", DAY_MS - 1)?,
        ascending: query.text("direction") == Some("asc"),
        page: Some(page(&query)?),
    };
    let found = admin.services().audit.list_admin_events(Request::new(request)).await?.into_inner();
    json(&found.events.iter().map(show_admin_event).collect::<Vec<_>>())
}

/// Waits until audit has followed the logs of those who own what administrators change: who has changed something finds it here.
async fn catch_up(services: &Services) -> Result<(), Error> {
    let head = || Request::new(HeadRequest {});
    let (registry, roles, keys) = futures::join!(
        services.registry.head(head()),
        services.roles.head(head()),
        services.issuer.head(head())
    );
    let caught_up = [("client-registry", registry?), ("role-mapping", roles?), ("token-issuer", keys?)].map(
        |(owner, head)| {
            let request = CatchUpRequest { upstream: owner.to_owned(), revision: head.into_inner().revision };
            services.audit.catch_up(Request::new(request))
        },
    );
    futures::future::try_join_all(caught_up).await?;
    Ok(())
}

async fn clear_admin(admin: Admin<ManageEvents>) -> Answer {
    let request = ClearAdminEventsRequest { realm_id: admin.realm_id() };
    admin.services().audit.clear_admin_events(Request::new(request)).await?;
    Ok(no_content())
}

fn page(query: &Query) -> Result<Page, Error> {
    let page = query.page()?;
    Ok(Page { max: page.max.or(Some(DEFAULT_MAX)), ..page })
}

/// A bound of time in milliseconds: `yyyy-MM-dd` in UTC, `into_day_ms` after its midnight, or milliseconds since the epoch.
fn date(query: &Query, name: &'static str, into_day_ms: i64) -> Result<Option<i64>, Error> {
    let Some(text) = query.text(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    if let Ok(epoch_ms) = text.parse() {
        return Ok(Some(epoch_ms));
    }
    let midnight = midnight_ms(text).ok_or(Error::InvalidDate(name))?;
    Ok(Some(midnight + into_day_ms))
}

/// Midnight UTC of a day in the Gregorian calendar. The formula counts days from 0000-03-01, so that leap days end a year.
fn midnight_ms(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let in_range = (1..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !in_range {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some((era * 146_097 + day_of_era - 719_468) * DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_in_the_gregorian_calendar() {
        for (day, ms) in [
            ("1970-01-01", Some(0)),
            ("2000-01-01", Some(946_684_800_000)),
            ("2024-02-29", Some(1_709_164_800_000)),
            ("soon", None),
            ("2024-13-01", None),
            ("2024-01", None),
        ] {
            assert_eq!(midnight_ms(day), ms, "{day}");
        }
    }
}
