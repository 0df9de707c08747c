//! Inputs that someone thought of.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::app::{Answer, PATIENCE, Realm, TestApp};

scenarios!(basic_headers, forms, json_bodies, paths, tokens, what_is_hardly_http);

#[track_caller]
fn is_clear_refusal(answer: &Answer, what: &dyn std::fmt::Debug) {
    assert!((400..500).contains(&answer.status), "{what:?}: {} {}", answer.status, answer.body);
    for inside in ["panicked", "sqlx", "SELECT", "crates/", "Status {", "tonic"] {
        assert!(!answer.body.contains(inside), "{what:?}: {}", answer.body);
    }
}

/// What the administrator sees of a realm: equal before and after, nothing has changed.
async fn state(realm: &Realm<'_>) -> Vec<Value> {
    let mut seen = Vec::new();
    for path in ["", "/clients", "/roles", "/client-scopes", "/users", "/identity-provider/instances"] {
        seen.push(realm.get(path).await);
    }
    for list in &mut seen {
        if let Some(items) = list.as_array_mut() {
            items.sort_by_key(|item| item["id"].to_string());
        }
    }
    seen
}

async fn basic_headers(app: &TestApp) {
    let realm = app.realm().await;
    realm.create_service_account("billing").await;
    let encoded = |bytes: &[u8]| format!("Basic {}", STANDARD.encode(bytes)).into_bytes();
    for header in [
        b"Basic".to_vec(),
        b"Basic ".to_vec(),
        b"Basic =".to_vec(),
        b"Basic ====".to_vec(),
        b"Basic \xff\xfe".to_vec(),
        b"Basic Basic YTpi".to_vec(),
        b"BasicYTpi".to_vec(),
        b"\xc3\xa4".to_vec(),
        b"Bearer x".to_vec(),
        b"Digest username=\"billing\"".to_vec(),
        encoded(b""),
        encoded(b":"),
        encoded(b"::"),
        encoded(b"billing"),
        encoded(b"billing:"),
        encoded(b":secret"),
        encoded(b"billing:\0"),
        encoded(b"\0:x"),
        encoded(b"billing:%"),
        encoded(b"billing:%zz"),
        encoded(b"billing:%ff"),
        encoded(b"%:x"),
        encoded(b"bill\xffing:x"),
        encoded(b"billing\r\n:x"),
        encoded("billing:😀".as_bytes()),
        encoded(&[b'a'; 8000]),
        encoded(&[b':'; 2000]),
    ] {
        let value = HeaderValue::from_bytes(&header).unwrap();
        for endpoint in ["token", "token/introspect", "revoke", "logout"] {
            let request =
                app.http.post(app.url(&realm.path(endpoint))).header("authorization", value.clone());
            let form = [("grant_type", "client_credentials"), ("token", "x"), ("refresh_token", "x")];
            let answer = Answer::read(request.form(&form).send().await.unwrap()).await.unwrap();
            is_clear_refusal(&answer, &String::from_utf8_lossy(&header));
        }
    }
}

async fn forms(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_refreshing("billing").await;
    let many = format!("grant_type=client_credentials{}", "&a=b".repeat(5000));
    for body in [
        "",
        "&",
        "=",
        "&&==&&",
        "grant_type",
        "grant_type=%",
        "grant_type=%ff%fe",
        "grant_type=\0",
        "grant_type=client_credentials\0",
        "grant_type=client_credentials&grant_type=client_credentials",
        "grant_type=client_credentials&scope=%00",
        "grant_type=client_credentials&scope=%ff",
        "grant_type=client_credentials&scope='%20OR%201=1--",
        "grant_type=refresh_token&refresh_token=%00",
        "grant_type=refresh_token&refresh_token=..",
        "grant_type=password&username=%00&password=%00",
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=x",
        "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=%00",
        "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=e30.e30.",
        "grant_type=client_credentials;scope=x",
        &many,
    ] {
        let request = app
            .http
            .post(app.url(&realm.path("token")))
            .header("authorization", billing.basic())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.to_owned());
        let answer = Answer::read(request.send().await.unwrap()).await.unwrap();
        is_clear_refusal(&answer, &body.chars().take(80).collect::<String>());
    }
    // Who still sends when the refusal comes may see a broken connection instead of it; nobody else is to get that connection.
    let big = [("grant_type", "client_credentials"), ("x", &"y".repeat(200_000))];
    let request = app.http.post(app.url(&realm.path("token"))).header("connection", "close").form(&big);
    if let Ok(response) = request.send().await {
        assert_eq!(response.status(), 413);
    }
    for (content_type, body) in [
        ("multipart/form-data", "x"),
        ("multipart/form-data; boundary=", "x"),
        ("multipart/form-data; boundary=b", "--b\r\n"),
        ("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
        ("application/x-www-form-urlencoded; charset=nope", "grant_type=\u{fffd}"),
        ("application/json", "{\"grant_type\":\"client_credentials\"}"),
        ("", "grant_type=client_credentials"),
    ] {
        let request = app.http.post(app.url(&realm.path("token"))).header("authorization", billing.basic());
        let request = request.header("content-type", content_type).body(body);
        let answer = Answer::read(request.send().await.unwrap()).await.unwrap();
        is_clear_refusal(&answer, &(content_type, body));
    }
    billing.token().await.expect(200);
}

async fn json_bodies(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let before = state(&realm).await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_object = format!("{}1{}", "{\"attributes\":".repeat(2000), "}".repeat(2000));
    let bodies = [
        "",
        "x",
        "null",
        "[]",
        "1",
        "\"x\"",
        "{",
        "{]",
        "{\"clientId\":",
        "{\"clientId\":\"a\"}}",
        "{\"clientId\":\"\\ud800\"}",
        "{\"clientId\":1e999}",
        "{\"clientId\":{\"a\":1},\"name\":[1]}",
        "{\"no-such-field\":1}",
        "{\"attributes\":1}",
        "{\"protocolMappers\":[1]}",
        "{\"enabled\":\"perhaps\"}",
        "\u{feff}{",
        &deep,
        &deep_object,
    ];
    let token = app.admin_token().await;
    let collections = [
        "/clients".to_owned(),
        "/roles".to_owned(),
        "/client-scopes".to_owned(),
        "/components".to_owned(),
        "/identity-provider/instances".to_owned(),
        "/identity-provider/instances/none/test-assertion".to_owned(),
        format!("/users/{}/federated-identity/cloud", billing.user().await),
        format!("{}/protocol-mappers/models", billing.path()),
        format!("{}/roles", billing.path()),
    ];
    for path in &collections {
        for body in bodies {
            let request = app
                .http
                .post(app.url(&format!("/admin/realms/{}{path}", realm.name)))
                .bearer_auth(&token)
                .header("content-type", "application/json")
                .body(body.to_owned());
            let answer = Answer::read(request.send().await.unwrap()).await.unwrap();
            is_clear_refusal(&answer, &(path, body.chars().take(60).collect::<String>()));
        }
    }
    for body in bodies {
        let request = app.http.post(app.url("/admin/realms")).bearer_auth(&token);
        let request = request.header("content-type", "application/json").body(body.to_owned());
        let answer = Answer::read(request.send().await.unwrap()).await.unwrap();
        is_clear_refusal(&answer, &body.chars().take(60).collect::<String>());
    }
    for realm in ["", "a/b", "a?b", "/"] {
        let answer = app.admin(Method::POST, "", Some(&json!({"realm": realm}))).await;
        is_clear_refusal(&answer, &realm);
    }
    assert_eq!(state(&realm).await, before);
}

async fn paths(app: &TestApp) {
    let realm = app.realm().await;
    let before = state(&realm).await;
    let name = &realm.name;
    for path in [
        "/realms/".to_owned(),
        "/realms//".to_owned(),
        "/realms/%".to_owned(),
        "/realms/%zz".to_owned(),
        "/realms/%00".to_owned(),
        "/realms/%ff%fe".to_owned(),
        "/realms/..%2f..%2fetc%2fpasswd".to_owned(),
        format!("/realms/{}", "x".repeat(4000)),
        format!("/realms/{name}'--"),
        format!("/realms/{name}/protocol/openid-connect/token%00"),
        format!("/realms/{name}/protocol/openid-connect/../../.."),
        format!("/auth/auth/realms/{name}"),
        "/auth".to_owned(),
        "/nope".to_owned(),
        format!("/admin/realms/{name}/clients/%00"),
        format!("/admin/realms/{name}/clients/not-a-uuid"),
        format!("/admin/realms/{name}/clients/{}", "x".repeat(4000)),
        format!("/admin/realms/{name}/roles/%ff"),
        format!("/admin/realms/{name}/roles/no-such-role"),
        format!("/admin/realms/{name}/users/%27%3B"),
        format!("/admin/realms/{name}/users/%00/federated-identity"),
        format!("/admin/realms/{name}/identity-provider/instances/%00"),
        format!("/admin/realms/{name}/identity-provider/instances/..%2f.."),
        format!("/admin/realms/{name}/identity-provider/instances?max=x"),
        format!("/admin/realms/{name}/identity-provider/providers/nope"),
        format!("/admin/realms/{name}/nope"),
        format!("/admin/realms/{name}/clients?max=x"),
        format!("/admin/realms/{name}/clients?first=99999999999999999999"),
        "/admin/realms/%00".to_owned(),
        "/admin/realms/no-such-realm/clients".to_owned(),
    ] {
        let token = app.admin_token().await;
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n");
        let status = exchange(app, format!("{head}Connection: close\r\n\r\n").as_bytes()).await;
        assert!(status.is_some_and(|status| (400..500).contains(&status)), "{path}: {status:?}");
    }
    assert_eq!(state(&realm).await, before);
}

async fn tokens(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_refreshing("billing").await;
    billing.hear_itself().await;
    let good = billing.access_token().await;
    let [head, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("not a JWT") };
    let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let kid = &crate::app::header_of(&good)["kid"];
    let confused = encoded(&json!({"alg": "HS256", "typ": "JWT", "kid": kid}).to_string());
    for token in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "a.b.c".to_owned(),
        format!("{head}.{claims}"),
        format!("{head}.{claims}."),
        format!("{head}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{head}.{claims}.{signature}.{signature}"),
        format!("{head}.{claims}.{signature}="),
        format!("{head}.{}.{signature}", encoded("{}")),
        format!("{head}.{}.{signature}", encoded("[]")),
        format!("{}.{claims}.", encoded("{\"alg\":\"none\"}")),
        format!("{}.{claims}.{signature}", encoded("{\"alg\":\"none\"}")),
        format!("{confused}.{claims}.{signature}"),
        format!("{}.{claims}.{signature}", encoded("{\"alg\":\"RS256\",\"kid\":\"../../x\"}")),
        format!("{}.{claims}.{signature}", encoded("{\"alg\":\"RS256\",\"kid\":1}")),
        format!("{}.{claims}.{signature}", encoded("{\"alg\":\"RS256\",\"jwk\":{}}")),
        format!("{}.{claims}.{signature}", encoded("not json")),
        format!("{head}.{claims}.{}", "A".repeat(60_000)),
        "\0".to_owned(),
        "😀.😀.😀".to_owned(),
    ] {
        let what: String = token.chars().take(60).collect();
        let answer = billing.post("token/introspect", &[("token", &token)]).await;
        if answer.status == 200 {
            assert_eq!(answer.json(), json!({"active": false}), "{what}");
        } else {
            is_clear_refusal(&answer, &what);
        }
        for answer in [billing.refresh(&token).await, billing.logout(&token).await] {
            is_clear_refusal(&answer, &what);
        }
        let Ok(bearer) = HeaderValue::from_bytes(format!("Bearer {token}").as_bytes()) else { continue };
        for path in [realm.path("userinfo"), format!("/admin/realms/{}", realm.name)] {
            let request = app.http.get(app.url(&path)).header("authorization", bearer.clone());
            let answer = Answer::read(request.send().await.unwrap()).await.unwrap();
            is_clear_refusal(&answer, &(path, &what));
        }
    }
    assert_eq!(billing.introspect(&good).await["active"], true);
}

async fn what_is_hardly_http(app: &TestApp) {
    let realm = app.realm().await;
    let path = realm.path("token");
    let post =
        |rest: &str| format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{rest}").into_bytes();
    for request in [
        b"GET\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03".to_vec(),
        b"GET /realms/\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
        b"GET http://[::1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
        post("Content-Length: -1\r\n\r\n"),
        post("Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
        post("Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        post("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b"),
        post(&format!("X: {}\r\n\r\n", "y".repeat(1_000_000))),
        post(&format!("{}\r\n", "X: y\r\n".repeat(2000))),
    ] {
        // A connection may also be closed without an answer.
        let status = exchange(app, &request).await.unwrap_or(400);
        assert!((400..500).contains(&status), "{status}: {:.60}", String::from_utf8_lossy(&request));
    }
    realm.create_service_account("billing").await.token().await.expect(200);
}

/// Writes these bytes on a connection of their own, and reads the status of the answer; `None` where there is none.
async fn exchange(app: &TestApp, request: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(app.server.address).await.unwrap();
    // The server may close the connection while it is still being written to.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(PATIENCE, read).await.expect("the server answers or closes the connection");
    let answer = String::from_utf8_lossy(&answer);
    answer.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()
}
