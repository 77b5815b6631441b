//! What a program that spawns runs needs: their futures can go from thread to thread.

use emblazon::apply::lease::{Claim, Leases, Wait, take};
use emblazon::apply::remote::Remote;
use emblazon::apply::{self, ApprovedPlan, AssetSource, Options};
use emblazon::live::{CollectOptions, ReadClient, TemplateWriter, WriteClient, collect};
use emblazon::tree::Desired;

fn sendable<T: Send>(future: T) -> T {
    future
}

#[test]
fn runs_and_reads_can_be_spawned() {
    let _ = |client: &ReadClient, desired: &Desired| {
        drop(sendable(collect(
            client,
            desired,
            &CollectOptions::default(),
        )));
    };
    let _ = |mandate: ApprovedPlan<'_>,
             writer: &WriteClient,
             template: &TemplateWriter,
             files: &dyn AssetSource,
             options: &Options| {
        drop(sendable(apply::run(
            mandate,
            writer,
            Some(template),
            files,
            options,
            &|_| {},
        )));
    };
    let _ = |leases: &mut Leases, claim: &Claim, wait: Wait, remote: &Remote| {
        drop(sendable(take(leases, claim, wait, &|_| {})));
        drop(sendable(remote.bring("refs/emblazon/production/applied")));
    };
}
