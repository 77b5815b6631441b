//! `apply`

use std::num::NonZeroUsize;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, ValueHint};

use super::again::{Again, history_command, tree_option, tree_word};
use super::dns::RecordsArgs;
use super::duration::duration;
use super::git::{BaseArgs, LeaseArgs};
use super::history::RestoreArgs;
use super::output::OutputArgs;
use super::plan::PruneArgs;
use super::platform::PlatformArgs;
use super::scope::ScopeArgs;
use super::tree::TreeChoice;
use crate::cli::approval::DigestPrefix;
use crate::plan::{Action, Plan, Precondition, Step};
use crate::probe::Pin;

/// Apply the tree to the platform
///
/// Plans, shows the plan, asks, and executes it: each object is read again, backed up, written and read back. An object
/// that changed in between is left alone, and the others go on. The records of accounts with `dns: manage` are written
/// to the primary that `dns: push` in emblazon.yaml names.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon apply
  emblazon apply --yes --cluster production
  emblazon apply --account acme                      one brand only
  emblazon apply --no-remove                         add and change, remove nothing
  emblazon apply --sandbox examples/quickstart
  emblazon apply --sandbox --state /tmp/trial examples/quickstart     and what is live then stays
  emblazon apply --yes --expect 3f9a1c0b7d52         only the plan that was approved
  emblazon apply change.plan --tree brands           a plan that `plan --out` saved
  emblazon apply change.plan --signed-by signers     and that one of these signed
  emblazon apply --canary acme --max-failures 3      one first, then the others
  emblazon apply --canary acme --probe --restore-canary     only if its customers see it, else back

What was there before each write is kept below .emblazon/ in the tree; `emblazon history` lists it.

The steps of a saved plan are derived again from the commit that it names and from what is live, and only
what is in both is carried out.

Exit codes: 0 done, 1 nothing could be applied, 2 done, and what the saved plan does not have differs too,
3 the tree has errors, 4 applied in part, 5 refused by a guard or because everything had moved, 6 something
could not be read.")]
pub(crate) struct ApplyArgs {
    /// The folder with emblazon.yaml, or a saved plan
    #[arg(value_name = "TREE|PLAN", default_value = ".", value_hint = ValueHint::AnyPath)]
    pub(crate) target: Utf8PathBuf,
    /// The folder with emblazon.yaml, for a saved plan
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    #[command(flatten)]
    pub(crate) choice: TreeChoice,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    #[command(flatten)]
    pub(crate) prune: PruneArgs,
    #[command(flatten)]
    pub(crate) records: RecordsArgs,
    /// Execute only the approved plan, which has this digest
    #[arg(long, value_name = "DIGEST")]
    pub(crate) expect: Option<DigestPrefix>,
    /// Execute a saved plan only if it is signed by somebody in this file (`allowed_signers`, as Git reads it)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) signed_by: Option<Utf8PathBuf>,
    /// Apply these accounts first, and the others only if that succeeds
    #[arg(long, value_name = "ACCOUNT", value_delimiter = ',')]
    pub(crate) canary: Vec<String>,
    /// After the canaries, begin the others only if customers see the declared brands, for which this waits at most this
    /// long; 30s if left out
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = duration,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "30s",
        requires = "canary"
    )]
    pub(crate) probe: Option<Duration>,
    /// If customers do not see a canary's declared brand, restore the canaries from the run's snapshot
    #[arg(long, requires = "probe")]
    pub(crate) restore_canary: bool,
    /// Connect to this address instead of asking DNS, as `probe --resolve` does; may be repeated
    #[arg(long, value_name = "HOST:PORT:ADDR", requires = "probe")]
    pub(crate) resolve: Vec<Pin>,
    /// Start no further account after this many failures; 1 after a canary
    #[arg(long, value_name = "N")]
    pub(crate) max_failures: Option<NonZeroUsize>,
    /// Do not ask for confirmation; required without a terminal
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) base: BaseArgs,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    #[command(flatten)]
    pub(crate) lease: LeaseArgs,
    /// Allow applying a commit that comes before the one that was applied last
    #[arg(long, help_heading = "Git")]
    pub(crate) rollback: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What a saved plan was made with.
#[derive(Clone, Copy)]
pub(crate) struct PlanOptions<'a> {
    /// Whether the tree has several clusters, so that one must be chosen.
    pub(crate) several: bool,
    pub(crate) revision: Option<&'a str>,
    pub(crate) base: &'a BaseArgs,
    pub(crate) scope: &'a ScopeArgs,
    pub(crate) skip_dns: bool,
}

impl ApplyArgs {
    /// Returns the first option that says what to plan, and so says nothing to a saved plan.
    pub(crate) fn ignored_by_saved_plan(&self) -> Option<String> {
        let chosen = self.scope.selection.words().into_iter().next();
        let chosen = chosen.map(|words| words.join(" "));
        let since = self.scope.changed_since.as_ref();
        let since = since.map(|since| format!("--changed-since {since}"));
        let dns = (self.records.skip_dns).then(|| "--skip-dns".to_owned());
        let no_remove = (self.prune.no_remove).then(|| "--no-remove".to_owned());
        chosen.or(since).or(dns).or(no_remove)
    }

    /// Returns the command that shows what this one would do, with the digest to approve.
    pub(crate) fn look(&self) -> String {
        let target = &self.target;
        if target.is_file() {
            return Again::nowhere().command("show", [target.as_str()]);
        }
        let mut words = self.scope.words();
        words.extend(self.base.words());
        words.extend(self.prune.words());
        words.extend((self.records.skip_dns).then(|| "--skip-dns".to_owned()));
        let words = words.iter().map(String::as_str);
        let rev = self.choice.rev.iter().flat_map(|rev| ["--rev", rev]);
        (self.again()).command("plan", rev.chain(words).chain(tree_word(target)))
    }

    /// Returns the command that makes a saved plan again, in the same file.
    pub(crate) fn made_again(&self) -> String {
        let words = ["--out", self.target.as_str()].into_iter();
        (self.again()).command("plan", words.chain(tree_word(&self.tree)))
    }

    /// Returns the command that makes a plan equal to a saved one, and carries it out if it still is.
    pub(crate) fn anew(&self, plan: &Plan, options: &PlanOptions<'_>) -> String {
        let is_repair = |step: &Step| step.precondition == Precondition::UnservableTemplate;
        let guards = PruneArgs {
            no_remove: plan.scope.no_remove,
            prune: plan.steps.iter().any(|step| step.action == Action::Delete),
            repair_template: plan.steps.iter().any(is_repair),
            allow: self.prune.allow.clone(),
        };
        let digest = plan.digest();
        let mut words = options.scope.words();
        words.extend(options.base.words());
        words.extend(guards.words());
        let words = words.iter().map(String::as_str);
        let revision = options
            .revision
            .iter()
            .flat_map(|revision| ["--rev", revision]);
        let rest = [
            ("--skip-dns", options.skip_dns),
            ("--rollback", self.rollback),
            ("--yes", self.yes),
        ];
        let rest = rest
            .into_iter()
            .filter_map(|(word, is_asked)| is_asked.then_some(word));
        let cluster = options.several.then(|| plan.cluster.as_str());
        let cluster = self.choice.cluster.as_deref().or(cluster);
        let words = revision.chain(words).chain(rest);
        let words = words.chain(["--expect", digest.short()]);
        Again::on_platform(&self.platform, cluster)
            .command("apply", words.chain(tree_word(&self.tree)))
    }

    /// Returns what restores some accounts from a run of this command.
    pub(crate) fn restore(
        &self,
        folder: &Utf8Path,
        run: &str,
        accounts: Vec<String>,
    ) -> RestoreArgs {
        RestoreArgs {
            run: run.to_owned(),
            accounts,
            tree: folder.to_owned(),
            platform: self.platform.clone(),
            dry_run: false,
            moved: false,
            allow: Vec::new(),
            expect: None,
            yes: true,
            remote: self.base.remote.clone(),
            lease: self.lease.clone(),
            output: self.output.clone(),
        }
    }

    /// Returns the command that looks at accounts of this one as their customers do.
    pub(crate) fn probe_of(&self, folder: &Utf8Path, accounts: &[String]) -> String {
        let names = accounts.iter().map(String::as_str);
        (self.again()).command("probe", names.chain(tree_option(folder)))
    }

    /// Returns the command that restores accounts from the newest run of this one.
    pub(crate) fn restore_of(&self, folder: &Utf8Path, accounts: &[String]) -> String {
        let names: Vec<&str> = accounts.iter().map(String::as_str).collect();
        self.restore(folder, "last", Vec::new())
            .together("last", &names)
    }

    /// Returns the command that lists the runs.
    pub(crate) fn history(&self) -> String {
        let tree = if self.target.is_file() {
            &self.tree
        } else {
            &self.target
        };
        history_command(&self.platform.sandbox, tree)
    }

    fn again(&self) -> Again {
        Again::on_platform(&self.platform, self.choice.cluster.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::Parser as _;

    use super::super::command_line::{Cli, Command};
    use super::*;
    use crate::model::{AccountId, AccountName, ClusterName, Digest, Revision};
    use crate::plan::{FORMAT_VERSION, Risk, Scope, Subject, Unknown};

    fn parsed(line: &str) -> ApplyArgs {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        match cli.command {
            Command::Apply(args) => args,
            other => panic!("{other:?}"),
        }
    }

    fn plan(action: Action) -> Plan {
        let step = Step {
            id: crate::plan::StepId(0),
            subject: Subject::Account {
                name: AccountName::new("acme"),
                id: AccountId::parse(&"a".repeat(32)).unwrap(),
            },
            action,
            changes: Vec::new(),
            precondition: Precondition::Revision(Revision::new("1-a")),
            risk: Risk::Destructive,
            after: Vec::new(),
            notes: Vec::new(),
        };
        Plan {
            version: FORMAT_VERSION,
            cluster: ClusterName::new("production"),
            tree: Digest::of(b""),
            commit: None,
            base: None,
            forgotten: Vec::new(),
            scope: Scope::default(),
            steps: vec![step],
            refusals: Vec::new(),
            unknown: Unknown::default(),
        }
    }

    /// The command that carries out an equal plan has the platform and the tree of the call, and the options of the
    /// plan; and it is one.
    #[test]
    fn what_follows_an_unseen_canary_is_at_the_same_place() {
        let args = parsed("emblazon apply mine --sandbox --state st --canary a");
        let begun = ["a".to_owned(), "o'neill".to_owned()];
        let folder = Utf8Path::new("mine");
        assert_eq!(
            args.probe_of(folder, &begun),
            r"emblazon probe --sandbox --state st a 'o'\''neill' --tree mine"
        );
        assert_eq!(
            args.restore_of(folder, &begun),
            r"emblazon restore --sandbox --state st last a 'o'\''neill' --tree mine"
        );
    }

    #[test]
    fn a_plan_is_made_anew_with_its_own_options() {
        #[track_caller]
        fn check(call: &str, action: Action, made: &str, several: bool, expected: &str) {
            let call = parsed(&format!("emblazon apply change.plan {call}"));
            let made = parsed(&format!("emblazon apply{made}"));
            let plan = plan(action);
            let options = PlanOptions {
                several,
                revision: made.choice.rev.as_deref(),
                base: &made.base,
                scope: &made.scope,
                skip_dns: made.records.skip_dns,
            };
            let anew = call.anew(&plan, &options);
            parsed(&anew);
            let digest = plan.digest();
            assert_eq!(anew.replace(digest.short(), "DIGEST"), expected);
        }
        let update = || Action::Update {
            set: BTreeMap::new(),
            remove: Vec::new(),
        };
        check(
            "--yes",
            update(),
            "",
            false,
            "emblazon apply --yes --expect DIGEST",
        );
        check(
            "--tree brands --sandbox --state trial",
            Action::Delete,
            "",
            true,
            "emblazon apply --sandbox --state trial --cluster production --prune --expect DIGEST brands",
        );
        check(
            "--api https://api.example.com --rollback",
            update(),
            " --rev v1 --skip-dns --changed-since v0 --forget acme",
            false,
            "emblazon apply --api https://api.example.com --rev v1 --changed-since v0 --forget acme --skip-dns --rollback --expect DIGEST",
        );
    }
}
