//! `/admin/realms/{realm}/clients/{id}/certificates/{attribute}`: the public key by which a client proves itself.

use super::{
    answer::json,
    authorization::{Admin, ManageClients, RealmAdmin, ViewClients},
    body::JsonBody,
    clients::{carries_admin_roles, shown_in_event},
    error::{Answer, Error},
};
use crate::App;
use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Request},
    http::{HeaderValue, StatusCode, header},
    response::Response,
    routing::{get, post},
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use latchkey_api::{
    common::v1::AdminEvent,
    issuer::v1::ListKeysRequest,
    registry::v1::{
        Client, ClientKey, GenerateClientKeyRequest, KeyFileFormat, KeyStoreSettings, UploadClientKeyRequest,
    },
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The client (uuid) and what the names of its attributes begin with.
#[derive(Deserialize)]
struct KeyPath {
    id: String,
    attribute: String,
}

/// Formats by the names that Keycloak has for them.
const FORMATS: &[(&str, KeyFileFormat)] = &[
    ("Certificate PEM", KeyFileFormat::CertificatePem),
    ("Public Key PEM", KeyFileFormat::PublicKeyPem),
    ("JSON Web Key Set", KeyFileFormat::JsonWebKeySet),
    ("JKS", KeyFileFormat::Jks),
];

pub(super) fn router() -> Router<App> {
    let at = |end: &str| format!("/admin/realms/{{realm}}/clients/{{id}}/certificates/{{attribute}}{end}");
    Router::new()
        .route(&at(""), get(show))
        .route(&at("/generate"), post(generate))
        .route(&at("/generate-and-download"), post(generate_and_download))
        .route(&at("/upload"), post(upload))
        .route(&at("/upload-certificate"), post(upload))
}

/// What the client's attributes hold.
async fn show(admin: Admin<ViewClients>, Path(path): Path<KeyPath>) -> Answer {
    let client = admin.client(&path.id).await?;
    let mut shown = Map::new();
    for (member, attribute) in [
        ("privateKey", "private.key"),
        ("certificate", "certificate"),
        ("publicKey", "public.key"),
        ("kid", "kid"),
    ] {
        if let Some(value) = client.attributes.get(&format!("{}.{attribute}", path.attribute)) {
            shown.insert(member.to_owned(), Value::from(value.as_str()));
        }
    }
    json(&shown)
}

/// Makes a key pair. The private key is in this answer only.
async fn generate(admin: Admin<ManageClients>, Path(path): Path<KeyPath>) -> Answer {
    let request = GenerateClientKeyRequest {
        realm_id: admin.realm_id(),
        admin_event: event(&admin, &path, "generate").await?,
        id: path.id,
        attribute: path.attribute,
        key_store: None,
    };
    let registry = &admin.services().registry;
    let answer = registry.generate_client_key(tonic::Request::new(request)).await?.into_inner();
    let mut shown = show_key(answer.key.as_ref());
    shown.insert("privateKey".to_owned(), Value::from(answer.private_key.as_str()));
    json(&shown)
}

/// A key store as a body asks for it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct KeyStoreConfig {
    format: Option<String>,
    key_alias: Option<String>,
    key_password: Option<SecretString>,
    store_password: Option<SecretString>,
    /// Whether the realm's certificate is in it too; it is unless it is told not to be.
    realm_certificate: Option<bool>,
    realm_alias: Option<String>,
}

/// Makes a key pair, and answers a key store with it.
async fn generate_and_download(
    admin: Admin<ManageClients>,
    Path(path): Path<KeyPath>,
    body: JsonBody,
) -> Answer {
    let config: KeyStoreConfig = body.read_plain()?;
    let format = match config.format.as_deref() {
        Some("JKS") => KeyFileFormat::Jks,
        Some("PKCS12") => KeyFileFormat::Pkcs12,
        _ => return Err(Error::KeyStoreFormat),
    };
    let password = |given: &Option<SecretString>, kind| {
        let given = given.as_ref().map(ExposeSecret::expose_secret).filter(|given| !given.is_empty());
        given.map(str::to_owned).ok_or(Error::KeyStorePassword(kind))
    };
    let key_store = KeyStoreSettings {
        format: format.into(),
        key_alias: config.key_alias.unwrap_or_default(),
        key_password: password(&config.key_password, "key")?,
        store_password: password(&config.store_password, "store")?,
        realm_certificate: match config.realm_certificate {
            Some(false) => Bytes::new(),
            _ => realm_certificate(&admin).await?,
        },
        realm_alias: config.realm_alias.unwrap_or_else(|| admin.realm.name.clone()),
    };
    let request = GenerateClientKeyRequest {
        realm_id: admin.realm_id(),
        admin_event: event(&admin, &path, "generate-and-download").await?,
        id: path.id,
        attribute: path.attribute,
        key_store: Some(key_store),
    };
    let registry = &admin.services().registry;
    let answer = registry.generate_client_key(tonic::Request::new(request)).await?.into_inner();
    let mut response = Response::new(Body::from(answer.key_store));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// The certificate of the key that signs the realm's tokens, DER; empty where it has none.
async fn realm_certificate(admin: &RealmAdmin) -> Result<Bytes, Error> {
    let request = ListKeysRequest { realm_id: admin.realm_id() };
    let keys = admin.services().issuer.list_keys(tonic::Request::new(request)).await?.into_inner();
    let active = keys.active.get("RS256");
    let key = keys.keys.iter().find(|key| Some(&key.kid) == active);
    let text = key.map(|key| key.certificate.as_str()).unwrap_or_default();
    let der = BASE64_STANDARD.decode(text).map_err(|_| Error::IncompleteAnswer("a certificate in base64"))?;
    Ok(der.into())
}

/// Takes the public key out of a file. A private key beside it is not kept.
async fn upload(admin: Admin<ManageClients>, Path(path): Path<KeyPath>, upload: Upload) -> Answer {
    let request = UploadClientKeyRequest {
        realm_id: admin.realm_id(),
        admin_event: event(&admin, &path, "upload-certificate").await?,
        id: path.id,
        attribute: path.attribute,
        format: upload.format()?.into(),
        key_alias: upload.text("keyAlias").to_owned(),
        store_password: upload.text("storePassword").to_owned(),
        file: upload.file,
    };
    let registry = &admin.services().registry;
    let answer = registry.upload_client_key(tonic::Request::new(request)).await?.into_inner();
    json(&show_key(answer.key.as_ref()))
}

fn show_key(key: Option<&ClientKey>) -> Map<String, Value> {
    let Some(ClientKey { certificate, public_key, kid, jwks }) = key else { return Map::new() };
    [("certificate", certificate), ("publicKey", public_key), ("kid", kid), ("jwks", jwks)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), Value::from(value.as_str())))
        .collect()
}

/// The event of an act on a client that may be managed.
async fn event(admin: &RealmAdmin, path: &KeyPath, act: &str) -> Result<Option<AdminEvent>, Error> {
    let client: Client = admin.client(&path.id).await?;
    if carries_admin_roles(&admin.realm.name, &client) {
        return Err(Error::Forbidden);
    }
    let resource = format!("clients/{}/certificates/{}/{act}", client.id, path.attribute);
    Ok(admin.event("ACTION", "CLIENT", &resource, Some(shown_in_event(&client))))
}

/// The form that a file comes with.
struct Upload {
    texts: BTreeMap<String, String>,
    file: Bytes,
}

impl Upload {
    fn text(&self, name: &str) -> &str {
        self.texts.get(name).map(String::as_str).unwrap_or_default()
    }

    fn format(&self) -> Result<KeyFileFormat, Error> {
        let given = self.text("keystoreFormat");
        if given.is_empty() {
            return Err(Error::Invalid("keystoreFormat cannot be null".to_owned()));
        }
        let known = FORMATS.iter().find(|(name, _)| *name == given);
        known.map(|(_, format)| *format).ok_or_else(|| Error::Invalid("Invalid keystore format".to_owned()))
    }
}

impl FromRequest<App> for Upload {
    type Rejection = Error;

    async fn from_request(mut request: Request, app: &App) -> Result<Self, Error> {
        DefaultBodyLimit::max(app.config.max_admin_body_bytes).apply(&mut request);
        let unreadable = || Error::Invalid("The form cannot be read".to_owned());
        let mut form =
            Multipart::from_request(request, app).await.map_err(|_| Error::UnsupportedMediaType)?;
        let mut upload = Self { texts: BTreeMap::new(), file: Bytes::new() };
        loop {
            let field = match form.next_field().await {
                Ok(Some(field)) => field,
                Ok(None) => return Ok(upload),
                Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                    return Err(Error::BodyTooLarge);
                }
                Err(_) => return Err(unreadable()),
            };
            let name = field.name().unwrap_or_default().to_owned();
            let value = field.bytes().await.map_err(|error| match error.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Error::BodyTooLarge,
                _ => unreadable(),
            })?;
            if name == "file" {
                upload.file = value;
            } else {
                let text = String::from_utf8(value.to_vec()).map_err(|_| unreadable())?;
                upload.texts.insert(name, text);
            }
        }
    }
}
