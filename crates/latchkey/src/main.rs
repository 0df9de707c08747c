//! The command line of Latchkey: `latchkey dev`, `latchkey demo`, `latchkey pki`, `latchkey configuration`.

mod demo;
mod dev;
mod http;
mod output;
mod seed;
mod split;
mod supervise;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use latchkey::settings;
use latchkey_platform::server::install_crypto;
use latchkey_platform::tls;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tokens for services: wire-compatible with Keycloak.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a server of one's own, with the realm `demo`.
    Dev(dev::Options),
    /// Show the life of a token, with real requests, and leave nothing running.
    Demo,
    /// Make a certificate authority and certificates of its own in a folder, for development.
    Pki {
        /// The folder.
        folder: PathBuf,
        /// Whom the certificates are for; each is good for this machine too.
        #[arg(default_values = tls::SERVICES)]
        names: Vec<String>,
    },
    /// Print the reference of all settings.
    Configuration,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    install_crypto();
    match Arguments::parse().command {
        Command::Dev(options) => dev::run(options).await,
        Command::Demo => dev::demo().await,
        Command::Pki { folder, names } => Ok(tls::make_certificates(&folder, &names)?),
        Command::Configuration => {
            output::say(&settings::reference());
            Ok(())
        }
    }
}
