//! Settings: defaults, then a file, then the environment.
//!
//! A program has one struct of sections; each section is a struct of its own with a doc comment per option and a table of
//! [`Setting`]s, from which the reference in `docs/configuration.md` is made.

mod sections;

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format as _, Toml};
use serde::de::DeserializeOwned;

pub use sections::{Database, Grpc, LogFormat, MasterKey, NoMasterKey, Runtime, Services, Telemetry, Tls};

/// One line of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The name within its section.
    pub name: &'static str,
    /// The default as it would be written, or what it means when it is not set.
    pub default: &'static str,
    /// What it does.
    pub text: &'static str,
}

/// Why the settings cannot be used. It names all mistakes at once, and never a value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file does not exist.
    #[error("there is no file {}", .0.display())]
    NoFile(PathBuf),
    /// Options that are unknown, missing or malformed.
    #[error("the configuration is wrong:\n{}", .0.join("\n"))]
    Mistakes(Vec<String>),
}

/// Loads the sections of `T` from `file` (TOML) and from the environment: `LATCHKEY_<SECTION>__<OPTION>`.
///
/// Only variables of the given sections are read: all services of a deployment may share one environment. Within a section
/// an unknown option is a mistake.
///
/// # Errors
/// [`Error`] with every mistake that was found.
pub fn load<T: DeserializeOwned>(file: Option<&Path>, sections: &[&str]) -> Result<T, Error> {
    let mut figment = Figment::new();
    if let Some(file) = file {
        if !file.is_file() {
            return Err(Error::NoFile(file.to_owned()));
        }
        figment = figment.merge(Toml::file_exact(file));
    }
    let known: Vec<String> = sections.iter().map(|section| section.to_ascii_lowercase()).collect();
    let environment = Env::prefixed("LATCHKEY_")
        .filter(move |key| {
            let key = key.as_str().to_ascii_lowercase();
            known.iter().any(|section| key.starts_with(&format!("{section}__")))
        })
        .split("__");
    figment
        .merge(environment)
        .extract()
        .map_err(|errors| Error::Mistakes(errors.into_iter().map(|error| mistake(&error)).collect()))
}

/// Names the option and the fault, but not what was given: it may be a secret.
fn mistake(error: &figment::Error) -> String {
    use figment::error::Kind;
    let fault = match &error.kind {
        Kind::UnknownField(name, known) => format!("unknown option {name}; known are {}", known.join(", ")),
        Kind::MissingField(name) => format!("{name} is missing"),
        Kind::InvalidType(_, wanted) | Kind::InvalidValue(_, wanted) => format!("{wanted} is wanted"),
        Kind::Message(message) => message.clone(),
        _ => "cannot be read".to_owned(),
    };
    format!("  {}: {fault}", error.path.join("."))
}
