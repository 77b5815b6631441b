//! A daemon that begins after a run was killed.

use emblazon::sandbox::{Fault, FaultKind};

use super::daemon::{Daemon, command, name_company};
use crate::platform::id;
use crate::recovery::{document, killed, platform};

/// What a killed run left of one account cannot be read: the others are reconciled all the same, and that one is restored as
/// soon as it can be read.
#[test]
fn an_account_in_pieces_that_cannot_be_read_stops_nobody_else() {
    let platform = platform();
    killed(&platform);
    let url = platform.sandbox.url();
    platform.write(
        "emblazon.yaml",
        &format!("clusters: {{production: {{api: \"{url}\"}}}}\nwatch: {{heal: auto}}\n"),
    );
    let path = format!("/v2/accounts/{}*", id('a'));
    let unreadable = Fault::new("GET", &path, FaultKind::Status(403)).times(1000);
    platform.sandbox.set_faults(vec![unreadable]);
    name_company(&platform, 'b', "new");
    let mut daemon = Daemon::start(command(&platform, &["--interval", "5s"]));
    daemon.wait_ready('b');
    assert_eq!(platform.key('b', "company_name"), "new");
    assert_eq!(document(&platform), None);
    platform.sandbox.set_faults(Vec::new());
    daemon.wait_ready('a');
    assert_eq!(document(&platform).as_deref(), Some("red"));
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}
