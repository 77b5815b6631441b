//! Files → desired state. Reading takes `(value, diagnostics)` all the way: one run shows every mistake.

pub mod assets;
pub mod check;
mod desired;

pub use desired::{
    AccountPolicy, AuthConfig, BillingPolicy, ClusterConfig, Declared, Desired, DesiredAccount,
    DesiredTemplate, DnsMode, Loaded, Origin, Ownership, Policy, SecretSource, Target, UserAccount,
};
