//! The raw signing rate: what aws-lc does in a CPU-second with nothing around it.

use std::time::Duration;

use anyhow::Context as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use nix::time::{ClockId, clock_gettime};

/// About the size of a token's signing input.
const MESSAGE: [u8; 1000] = [b'x'; 1000];
const SPAN: Duration = Duration::from_secs(2);

/// Signatures per CPU-second with a parsed key, on one thread.
pub(crate) fn signing_rate(algorithm: &str) -> anyhow::Result<f64> {
    let random = SystemRandom::new();
    match algorithm {
        "RS256" => {
            let key = RsaKeyPair::generate(KeySize::Rsa2048)?;
            let mut signature = vec![0; key.public_modulus_len()];
            rate(|| Ok(key.sign(&RSA_PKCS1_SHA256, &random, &MESSAGE, &mut signature)?))
        }
        "ES256" => {
            let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
            rate(|| key.sign(&random, &MESSAGE).map(drop).context("signing"))
        }
        "EdDSA" => {
            let key = Ed25519KeyPair::generate()?;
            rate(|| {
                let _ = key.sign(&MESSAGE);
                Ok(())
            })
        }
        other => anyhow::bail!("no raw rate for {other}"),
    }
}

fn rate(mut sign: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let start = thread_time()?;
    let mut count = 0_u32;
    loop {
        for _ in 0..20 {
            sign()?;
        }
        count += 20;
        let spent = thread_time()?.saturating_sub(start);
        if spent >= SPAN {
            return Ok(f64::from(count) / spent.as_secs_f64());
        }
    }
}

fn thread_time() -> anyhow::Result<Duration> {
    Ok(Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?))
}
