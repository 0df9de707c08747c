//! A resource server that is not ours: Apache httpd with mod_oauth2, as Debian has them. Of the issuer it is told the address of its
//! metadata and nothing else.

use std::fs::{self, File, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use latchkey_backends::process;
use nix::sys::signal::Signal;
use reqwest::Client;
use tempfile::TempDir;

use super::{Answer, PATIENCE, client, eventually};

const HTTPD: &str = "/usr/sbin/apache2";
const MODULES: &str = "/usr/lib/apache2/modules";
const PAGE: &str = "for those who have a token\n";

/// A resource server with one page for whoever has a token, and one for tokens whose audience is `orders`. Dropping it stops it.
pub(crate) struct ResourceServer {
    address: SocketAddr,
    http: Client,
    child: Child,
    folder: TempDir,
}

impl ResourceServer {
    /// Starts one that takes tokens of an issuer.
    pub(crate) async fn of_issuer(issuer: &str) -> Self {
        for file in [HTTPD.to_owned(), format!("{MODULES}/mod_oauth2.so")] {
            assert!(Path::new(&file).is_file(), "{file} is missing: `make packages` installs it");
        }
        let folder = TempDir::with_prefix("latchkey-httpd-").unwrap();
        // Its workers run as a user of their own when root starts it.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        for page in ["page", "orders"] {
            fs::write(folder.path().join(page), PAGE).unwrap();
        }
        let address = SocketAddr::from(([127, 0, 0, 1], process::free_port().unwrap()));
        let configuration = folder.path().join("httpd.conf");
        fs::write(&configuration, configured(folder.path(), address, issuer)).unwrap();

        let mut command = process::bound_to_parent(Path::new(HTTPD), None);
        let output = File::create(folder.path().join("output")).unwrap();
        command.arg("-f").arg(&configuration).arg("-DFOREGROUND");
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        let child = process::spawn(command).unwrap();
        let mut server = Self { address, http: client().build().unwrap(), child, folder };
        eventually("httpd answers", PATIENCE, async || {
            let ended = server.child.try_wait().unwrap();
            assert!(ended.is_none(), "httpd ended ({ended:?}):\n{}", server.log());
            server.http.head(server.url("page")).send().await.ok()
        })
        .await;
        server
    }

    fn url(&self, page: &str) -> String {
        format!("http://{}/{page}", self.address)
    }

    /// What it has said so far.
    fn log(&self) -> String {
        let read = |name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        read("output") + &read("error.log")
    }

    /// What it answers to who asks for a page, with a token or without.
    pub(crate) async fn ask(&self, page: &str, token: Option<&str>) -> Answer {
        let request = self.http.get(self.url(page));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        Answer::read(request.send().await.unwrap()).await.unwrap()
    }

    /// Fails unless a token opens the page for all.
    pub(crate) async fn takes(&self, token: &str) {
        let answer = self.ask("page", Some(token)).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, PAGE), "{token}\n{}", self.log());
    }

    /// Fails unless a token is refused as one that is not good (RFC 6750 section 3.1).
    pub(crate) async fn refuses(&self, token: &str) {
        let answer = self.ask("page", Some(token)).await;
        let challenge = answer.header("www-authenticate").to_owned();
        assert_eq!(answer.status, 401, "{token}\n{}", answer.body);
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}: {token}");
        assert!(!answer.body.contains(PAGE));
    }
}

impl Drop for ResourceServer {
    fn drop(&mut self) {
        process::stop(&mut self.child, Signal::SIGTERM, Duration::from_secs(30));
    }
}

/// The last section is the one of docs/tokens.md.
fn configured(folder: &Path, address: SocketAddr, issuer: &str) -> String {
    let folder = folder.display();
    format!(
        "\
Listen {address}
ServerName {address}
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/httpd.pid
ErrorLog {folder}/error.log
DocumentRoot {folder}
User nobody
Group nogroup
LoadModule mpm_event_module {MODULES}/mod_mpm_event.so
LoadModule authn_core_module {MODULES}/mod_authn_core.so
LoadModule authz_core_module {MODULES}/mod_authz_core.so
LoadModule authz_user_module {MODULES}/mod_authz_user.so
LoadModule oauth2_module {MODULES}/mod_oauth2.so
<Location />
  AuthType oauth2
  OAuth2TokenVerify metadata {issuer}/.well-known/openid-configuration
  Require valid-user
</Location>
<Location /orders>
  AuthType oauth2
  OAuth2TokenVerify metadata {issuer}/.well-known/openid-configuration expiry=10
  Require oauth2_claim aud:orders
</Location>
"
    )
}
