//! Approvals on the command line: the digest that was approved, and the guards lifted for it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::failure::Failure;
use crate::apply::ApprovedPlan;
use crate::model::Digest;
use crate::plan::{self, Plan, Refusal, RefusalKind, guard};
use crate::tree::{BillingPolicy, Desired};

/// A guard, by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GuardName(pub(crate) RefusalKind);

impl FromStr for GuardName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        RefusalKind::named(text).map(Self).ok_or_else(|| {
            let names: Vec<&str> = guard::GUARDS.iter().map(|(_, name)| *name).collect();
            format!("write one of {}", names.join(", "))
        })
    }
}

/// The digest of a plan, or a prefix of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DigestPrefix(String);

impl FromStr for DigestPrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_long_enough = (12..=64).contains(&text.len());
        if is_long_enough && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(
                "write the digest that `emblazon plan` printed, at least its first 12 digits"
                    .to_owned(),
            )
        }
    }
}

impl fmt::Display for DigestPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get(..12).unwrap_or(&self.0))
    }
}

/// Where a plan comes from whose digest is compared with the approved one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PlanOrigin {
    /// It was just made from the tree.
    Fresh,
    /// It was read from a file.
    Saved,
    /// It restores what was there before a run.
    Restore,
}

impl PlanOrigin {
    /// Returns why the digest may differ, and what to do; `look` is the command that shows the plan.
    fn why_it_differs(self, look: &str) -> String {
        match self {
            Self::Fresh => format!(
                "the tree, the platform or the options differ; look at `{look}` again, or pass the options that the approved plan was made with: --no-remove, --prune, --repair-template, --allow, --skip-dns, --forget, --account, --changed-since, --shard, --cluster, --rev"
            ),
            Self::Saved => format!(
                "it is another plan; look at it with `{look}`, or name the file of the approved one"
            ),
            Self::Restore => format!(
                "the platform, the accounts or the options differ; look at `{look}` again, or pass what the approved restore was made with: the accounts, --moved, --allow"
            ),
        }
    }
}

/// An approval.
#[derive(Clone, Debug, Default)]
pub(crate) struct Approval {
    pub(crate) allow: BTreeSet<RefusalKind>,
    pub(crate) expect: Option<DigestPrefix>,
    /// The command that shows what may be approved.
    look: String,
}

impl Approval {
    /// Builds the approval from the command line; `asked` are the guards that have an option of their own, and `look`
    /// is the command that shows what may be approved.
    ///
    /// # Errors
    /// A guard is lifted for one plan only, so the plan's digest is required.
    pub(crate) fn new(
        allow: &[GuardName],
        asked: &[RefusalKind],
        expect: Option<&DigestPrefix>,
        look: String,
    ) -> Result<Self, Failure> {
        if let (Some(first), None) = (allow.first(), expect) {
            let name = first.0.guard().unwrap_or_default();
            return Err(Failure::Usage(format!(
                "--allow {name} is bound to one plan: look at `{look}`, and add --expect with the digest that it prints"
            )));
        }
        Ok(Self {
            allow: lifted(allow, asked),
            expect: expect.cloned(),
            look,
        })
    }

    /// Builds what lifts guards for a plan that is only shown.
    pub(crate) fn for_look(allow: &[GuardName], asked: &[RefusalKind], look: String) -> Self {
        Self {
            allow: lifted(allow, asked),
            expect: None,
            look,
        }
    }

    /// Returns the rules to plan by.
    pub(crate) fn rules(&self) -> plan::Options {
        rules(self.allow.clone())
    }

    /// Returns the approved plan.
    pub(crate) fn approved<'a>(&'a self, plan: &'a Plan, desired: &'a Desired) -> ApprovedPlan<'a> {
        ApprovedPlan {
            plan,
            desired,
            allow: &self.allow,
        }
    }

    /// Refuses a plan that is not the one that was approved.
    pub(crate) fn check_digest(&self, digest: &Digest, origin: PlanOrigin) -> Result<(), Failure> {
        match &self.expect {
            Some(expected) if !digest.is_meant_by(&expected.0) => Err(Failure::Refused(format!(
                "the plan has the digest {}, and {} was approved: {}",
                digest.short(),
                expected.0,
                origin.why_it_differs(&self.look)
            ))),
            _ => Ok(()),
        }
    }

    /// Returns the refusals that block the plan now.
    pub(crate) fn held(&self, plan: &Plan, desired: &Desired) -> Vec<Refusal> {
        self.approved(plan, desired).held(Timestamp::now())
    }

    /// Returns the billing policy, which the approval may override.
    pub(crate) fn billing(&self, declared: BillingPolicy) -> BillingPolicy {
        if self.allow.contains(&RefusalKind::Billing) {
            BillingPolicy::Accept
        } else {
            declared
        }
    }
}

/// Returns the rules to plan by, as of now.
pub(crate) fn rules(allow: BTreeSet<RefusalKind>) -> plan::Options {
    plan::Options {
        allow,
        no_remove: false,
        now: Timestamp::now(),
        part: plan::Part::default(),
    }
}

/// Returns the guards that the command line lifts; `asked` are those that have an option of their own.
pub(crate) fn lifted(names: &[GuardName], asked: &[RefusalKind]) -> BTreeSet<RefusalKind> {
    let names = names.iter().map(|name| name.0);
    names.chain(asked.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_have_at_least_twelve_digits() {
        #[track_caller]
        fn check(text: &str, expected: bool) {
            assert_eq!(text.parse::<DigestPrefix>().is_ok(), expected, "{text}");
        }
        check("0123456789ab", true);
        check("0123456789AB", true);
        check("0123456789a", false);
        check("0123456789ag", false);
        check(&"a".repeat(65), false);
    }

    #[test]
    fn an_approval_is_for_one_plan() {
        let freeze = [GuardName(RefusalKind::Freeze)];
        let look = || "emblazon plan".to_owned();
        assert!(Approval::new(&freeze, &[], None, look()).is_err());
        let digest = Digest::of(b"plan");
        let prefix = digest.short().parse().unwrap();
        let approval = Approval::new(&freeze, &[], Some(&prefix), look()).unwrap();
        assert!(approval.check_digest(&digest, PlanOrigin::Fresh).is_ok());
        let refused = |origin| {
            let other = approval.check_digest(&Digest::of(b"other"), origin);
            let Err(Failure::Refused(message)) = other else {
                panic!("{other:?}");
            };
            message
        };
        insta::assert_snapshot!(refused(PlanOrigin::Fresh), @"the plan has the digest d9298a10d1b0, and 64879f7d6b96 was approved: the tree, the platform or the options differ; look at `emblazon plan` again, or pass the options that the approved plan was made with: --no-remove, --prune, --repair-template, --allow, --skip-dns, --forget, --account, --changed-since, --shard, --cluster, --rev");
        insta::assert_snapshot!(refused(PlanOrigin::Saved), @"the plan has the digest d9298a10d1b0, and 64879f7d6b96 was approved: it is another plan; look at it with `emblazon plan`, or name the file of the approved one");
        insta::assert_snapshot!(refused(PlanOrigin::Restore), @"the plan has the digest d9298a10d1b0, and 64879f7d6b96 was approved: the platform, the accounts or the options differ; look at `emblazon plan` again, or pass what the approved restore was made with: the accounts, --moved, --allow");
    }
}
