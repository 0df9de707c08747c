//! The folder that holds everything of a development server.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use latchkey_platform::vault::FileMasterKey;
use secrecy::{ExposeSecret as _, SecretString};

/// The folder of a development server, which only its owner can enter.
#[derive(Clone, Debug)]
pub struct DataFolder(PathBuf);

impl DataFolder {
    /// Makes the folder when it is missing.
    ///
    /// # Errors
    /// When it cannot be made or reached.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("making {}", path.display()))?;
        let path = path.canonicalize()?;
        Ok(Self(path))
    }

    /// A file or folder in it.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The URL of a service's SQLite file.
    #[must_use]
    pub fn sqlite(&self, service: &str) -> String {
        format!("sqlite:{}", self.join(&format!("{service}.sqlite")).display())
    }

    /// The file with the master key; made with a new key when it is missing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn master_key_file(&self) -> anyhow::Result<PathBuf> {
        let file = self.join("master.key");
        if !file.exists() {
            write_private(&file, FileMasterKey::generate().expose_secret())?;
        }
        Ok(file)
    }

    /// The master key.
    ///
    /// # Errors
    /// When its file cannot be read or made.
    pub fn master_key(&self) -> anyhow::Result<FileMasterKey> {
        let file = self.master_key_file()?;
        let text = SecretString::from(fs::read_to_string(&file).context("reading the master key")?);
        FileMasterKey::parse(&text).with_context(|| format!("reading {}", file.display()))
    }

    /// A folder in it that only its owner can enter.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn private_folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.join(name);
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        Ok(folder)
    }
}

/// Writes a file that only its owner can read, whole or not at all.
fn write_private(file: &Path, text: &str) -> anyhow::Result<()> {
    let beside = file.with_extension("new");
    let mut out = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    fs::rename(&beside, file).with_context(|| format!("writing {}", file.display()))
}
