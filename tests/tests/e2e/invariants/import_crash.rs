//! Invariant 5 for whole realms: an import whose server dies leaves a realm that is wholly there or not at all.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Realm, SECRET, ServiceAccount, Setup, Shape, TestApp, claims, run_alone};

/// Enough for an import to be met in its midst.
const CLIENTS: usize = 40;
/// How many answers of other requests an import lives to see, round by round.
const MOMENTS: [usize; 4] = [1, 25, 120, 400];

#[test]
fn an_import_whose_server_dies_leaves_a_whole_realm_or_none() {
    run_alone(Box::pin(async {
        let app = TestApp::start(Setup::of(Shape::AllInOne)).await;
        for (round, moment) in MOMENTS.into_iter().enumerate() {
            let document = document(&format!("round{round}"));
            // The import begins at once.
            app.admin_token().await;
            let imported = futures::join!(app.try_admin(Method::POST, "", Some(&document)), async {
                for _ in 0..moment {
                    app.demo_token().await;
                }
                app.server.kill();
            })
            .0;
            app.server.start_again();
            app.until_it_serves().await;
            let name = document["realm"].as_str().unwrap();
            let there = app.admin(Method::GET, &format!("/{name}"), None).await.status;
            if imported.is_ok_and(|answer| answer.status == 201) {
                assert_eq!(there, 200, "{name} was acknowledged");
            }
            if there == 404 {
                app.admin(Method::POST, "", Some(&document)).await.expect(201);
            }
            is_whole(&Realm { app: &app, name: name.to_owned() }).await;
        }
    }));
}

fn client_id(number: usize) -> String {
    format!("worker-{number}")
}

/// A realm with its id, so that a second try meets what the first one left.
fn document(name: &str) -> Value {
    let clients: Vec<Value> = (0..CLIENTS)
        .map(
            |number| json!({"clientId": client_id(number), "secret": SECRET, "serviceAccountsEnabled": true}),
        )
        .collect();
    let users: Vec<Value> = (0..CLIENTS)
        .map(|number| {
            json!({
                "username": format!("service-account-{}", client_id(number)),
                "serviceAccountClientId": client_id(number),
                "enabled": true,
                "realmRoles": [format!("role-{number}")],
            })
        })
        .collect();
    let roles: Vec<Value> = (0..CLIENTS).map(|number| json!({"name": format!("role-{number}")})).collect();
    json!({"realm": name, "id": name, "enabled": true, "clients": clients, "users": users, "roles": {"realm": roles}})
}

async fn is_whole(realm: &Realm<'_>) {
    for number in 0..CLIENTS {
        let worker = ServiceAccount {
            realm,
            id: String::new(),
            client_id: client_id(number),
            secret: SECRET.to_owned(),
        };
        let roles = claims(&worker.access_token().await)["realm_access"]["roles"].clone();
        assert_eq!(roles, json!([format!("role-{number}")]), "{} of {}", worker.client_id, realm.name);
    }
}
