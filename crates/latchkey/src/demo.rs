//! `latchkey demo`: the whole life of a token, with real requests, each shown as it goes over the wire.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::http::{Answer, Request};
use crate::output::say;
use crate::seed::{CLIENT_ID, CLIENT_SECRET, REALM};

/// Shows the life of a token against a server that holds the realm `demo`.
pub(crate) async fn show(address: SocketAddr) -> anyhow::Result<()> {
    let demo = Demo { address };

    title("A token for a service: POST /auth/realms/demo/protocol/openid-connect/token");
    let answer = demo.post("token", &[("grant_type", "client_credentials")]).await?;
    ensure!(answer.status == 200, "no token");
    let tokens = answer.json()?;
    let access_token = text(&tokens, "access_token")?;
    let refresh_token = text(&tokens, "refresh_token")?;

    title(
        "The access token, decoded: the account holds product-reader and product-writer, the client's scope lets product-reader through",
    );
    let claims = claims_of(access_token)?;
    say(&format!("{}\n", serde_json::to_string_pretty(&claims)?));
    ensure!(
        claims["realm_access"]["roles"] == serde_json::json!(["product-reader"]),
        "other roles than the intersection"
    );

    title("Refresh: the next pair of tokens, of the same session");
    let answer =
        demo.post("token", &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await?;
    ensure!(answer.status == 200, "no refresh");
    let tokens = answer.json()?;
    let refresh_token = text(&tokens, "refresh_token")?;

    title("Introspection: the refresh token is active");
    let hinted = [("token", refresh_token), ("token_type_hint", "refresh_token")];
    let answer = demo.post("token/introspect", &hinted).await?;
    ensure!(answer.json()?["active"] == true, "the refresh token is not active");

    title("Logout, out of band: 204");
    let answer = demo.post("logout", &[("refresh_token", refresh_token)]).await?;
    ensure!(answer.status == 204, "no logout");

    title("The refresh token is refused from now on");
    let answer =
        demo.post("token", &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await?;
    ensure!(answer.json()?["error"] == "invalid_grant", "a logged-out session gave a token");

    title("And introspection says so");
    let answer = demo.post("token/introspect", &hinted).await?;
    ensure!(answer.json()?["active"] == false, "the refresh token is still active");
    Ok(())
}

struct Demo {
    address: SocketAddr,
}

impl Demo {
    /// A form to an endpoint of the realm with the client's Basic authentication, shown with its answer.
    async fn post(&self, endpoint: &str, form: &[(&str, &str)]) -> anyhow::Result<Answer> {
        let basic = STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
        let request =
            Request::new("POST", format!("/auth/realms/{REALM}/protocol/openid-connect/{endpoint}"))
                .header("Authorization", format!("Basic {basic}"))
                .form(form);
        say(&marked('>', &request.on_the_wire(self.address)));
        let answer = request.send(self.address).await?;
        say(&marked('<', &format!("{}\r\n\r\n{}", answer.head, pretty(&answer.body))));
        Ok(answer)
    }
}

fn title(text: &str) {
    say(&format!("\n── {text}\n\n"));
}

/// Each line with a mark before it, and an empty line after the last.
fn marked(mark: char, text: &str) -> String {
    let lines: Vec<String> =
        text.lines().map(|line| format!("{mark} {line}").trim_end().to_owned()).collect();
    format!("{}\n\n", lines.join("\n"))
}

/// JSON with one member a line, and anything else as it is.
fn pretty(body: &str) -> String {
    serde_json::from_str::<Value>(body)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| body.to_owned())
}

fn text<'a>(answer: &'a Value, name: &str) -> anyhow::Result<&'a str> {
    answer[name].as_str().with_context(|| format!("no {name} in the answer"))
}

/// The claims of a JWT, unverified: the demo only shows them.
fn claims_of(token: &str) -> anyhow::Result<Value> {
    let payload = token.split('.').nth(1).context("not a JWT")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?)
}
