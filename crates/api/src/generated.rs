//! The code that the build generates from `proto/`, in the modules that mirror its packages.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::allow_attributes,
    clippy::large_futures,
    clippy::unwrap_used,
    reason = "generated code; the contract is documented in proto/"
)]

macro_rules! package {
    ($name:ident) => {
        pub mod $name {
            pub mod v1 {
                include!(concat!(env!("OUT_DIR"), "/latchkey.", stringify!($name), ".v1.rs"));
            }
        }
    };
}

package!(audit);
package!(authenticator);
package!(common);
package!(issuer);
package!(registry);
package!(roles);
package!(session);

/// Only its `v1` is named outside, beside the hand-written part of the pipeline.
pub(crate) mod pipeline {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/latchkey.pipeline.v1.rs"));
    }
}

mod redacted {
    include!(concat!(env!("OUT_DIR"), "/redacted.rs"));
}

pub(crate) mod aliases {
    include!(concat!(env!("OUT_DIR"), "/aliases.rs"));
}

pub(crate) mod forwarders {
    include!(concat!(env!("OUT_DIR"), "/forwarders.rs"));
}

mod dispatchers {
    include!(concat!(env!("OUT_DIR"), "/dispatchers.rs"));
}
