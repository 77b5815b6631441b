//! The sandbox in the server's terms: what each trap and each observation looks like on the wire.

mod assets;
mod blackhole;
mod caller;
mod documents;
mod faults;
mod lists;
mod logins;
mod profiles;
mod seeds;
mod state;
mod templates;
mod webhooks;

use caller::Caller;
