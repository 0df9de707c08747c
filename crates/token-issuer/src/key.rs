//! Keys: how they are made, what they look like in memory, and what of them is published.

pub(crate) mod certificate;
pub(crate) mod ecdsa;
pub(crate) mod jwk;
pub(crate) mod material;
pub(crate) mod pool;
pub(crate) mod realm_keys;
pub(crate) mod rsa_pem;
pub(crate) mod signing;
