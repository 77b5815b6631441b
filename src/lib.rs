//! GitOps for the branding of a Kazoo telephony platform.
//!
//! A tree of YAML files in Git declares how each brand looks: whitelabel settings, logo, icon and welcome page, and the
//! system's domain template. emblazon compares the tree with the live platform, shows the difference, applies it, and
//! reads it back. This page is the map of the code: the flow, the modules, the invariants, and the vocabulary.
//!
//! # The flow
//!
//! ```text
//!  work tree ─┐                                                        ┌─► text, json, html …
//!             ├─► tree ──► desired ─┐                                  │
//!  Git commit ┘   │          base ──┼─► diff ──► plan ──► apply ──► report
//!                 │ diagnostics     │   changes   steps   │ outcomes
//!                 ▼                 │                     ▼
//!               report        live ─┘              journal, snapshots
//!                              ▲                          │
//!                              │ reads only               │ writes, each behind a precondition
//!                              └────────── Kazoo ◄────────┘
//!                                     or the sandbox
//!
//!  cli ─────► once ───────────┐                                 ┌─► alert ──────► people
//!                             ├─► reconcile ──► the flow above  │
//!  daemon ──► every cycle ────┘                                 │
//!     └─────────────────────────────────► published status ─────┴─► dashboard ──► pages, API, metrics
//! ```
//!
//! Each arrow is a value that can be printed, compared and stored. The code that decides takes values and returns
//! values; the code that performs I/O is at both ends. The command line goes through the flow once, the daemon in every
//! cycle; what both must do alike (lease, recovery, reading again before writing, execution, moving the base) is in
//! [`reconcile`].
//!
//! # Code map
//!
//! A module imports only from modules above it; `tests/suite/architecture.rs` has the exact table.
//!
//! - [`model`]: the domain types. Accounts, domains, settings, assets, records, revisions: plain values, and the table
//!   of all known keys ([`model::FIELDS`]) that decoding, checking, schemas and hints read.
//! - [`diag`]: mistakes in the user's tree. A [`diag::Diagnostic`] has a code from the catalogue, a location and a fix.
//!   Mistakes of users are diagnostics, which are collected; failures of the environment are errors, which are
//!   returned.
//! - [`tree`]: files → [`tree::Desired`]. Reads a work tree or a commit, decodes strictly, applies the layers, checks
//!   everything, and returns the desired state *and* every mistake.
//! - [`transport`]: the configuration of TLS, proxies and redirects that all HTTP clients share.
//! - [`live`]: platform → [`live::Live`]. The HTTP client; reading and writing are different types. A cache saves
//!   reading what has not changed; nothing is written because of it alone.
//! - [`dns`]: DNS → verdicts. What the public sees, judged against the template record by record; what could not be
//!   read is never called drift.
//! - [`diff`]: desired × base × live → changes, in one canonical form.
//! - [`probe`]: names, TLS and HTTP as a customer's browser uses them → verdicts: whether customers see the declared brand.
//! - [`import`]: live → files of a tree whose plan is empty. The tree's own loader and [`diff`] check what it writes;
//!   [`tree::edit`] changes files that people wrote, and leaves every other byte alone.
//! - [`plan`]: changes → [`plan::Plan`], an ordered list of steps with preconditions, reasons and risks.
//! - [`apply`]: plan → effects: check, snapshot, write, read back, look up as the public does. Also the lease, the
//!   journal and the Git refs.
//! - [`reconcile`]: the parts of a reconciliation that the command line and the daemon share: lease, recovery,
//!   execution, base.
//! - [`report`]: values → text, one file or folder per format.
//! - [`forge`]: reports → a comment, status, issue or pull request on a forge, kept up to date.
//! - [`propose`]: live values → a branch and a pull request, so that people can keep them.
//! - [`daemon`]: reconciles again and again: controller, work queue, schedule, published status, history log.
//! - [`alert`]: status → messages to people, with damping, over several channels.
//! - [`dashboard`]: status → pages, API and metrics; takes webhooks and requests of people into the work queue.
//! - [`config`]: the daemon's file.
//! - [`sandbox`]: a simulated Kazoo, with its quirks and with faults on demand. A real server on loopback, so that
//!   tests and newcomers use the whole program, and nothing needs a mock.
//! - [`cli`]: arguments, terminal, exit codes; one file per command. It imports everything, and nothing imports it.
//!
//! # Invariants
//!
//! 1. **The core is pure.** [`model`], [`diag`], [`tree`] (except the files that read it), [`diff`], [`probe`] (except
//!    those that connect), [`import`], [`plan`] and [`report`] use no clock, network, environment, randomness, files or
//!    async; time and seed are arguments.
//!    Guarded by `the_core_is_pure` and `imports_run_one_way`.
//! 2. **A plan cannot write.** Commands that only read get a client without a method that changes anything. The request
//!    that replaces the system template is in a third type, so that a path without an account cannot compile.
//!    Guarded by `plan_sends_no_mutating_request`.
//! 3. **A plan is data**: complete, versioned, free of secrets; the same inputs give the same bytes.
//!    Guarded by `every_plan_is_well_formed`.
//! 4. **Apply, then plan, is empty**, and after every injected fault once a second run ends.
//!    Guarded by `apply_then_plan_is_empty` and `every_fault_at_every_request_has_its_tests`.
//! 5. **Import, then plan, is empty**, and importing again changes no byte. **The same text is the same state**: a tree
//!    read from files and from the commit that holds them is one desired state, with the same diagnostics.
//!    Guarded by `import_then_plan_is_empty` and `work_tree_and_commit_agree`.
//! 6. **Three-valued truth.** What could not be read is *unknown*: never "missing", never "in sync", and never a reason
//!    to write.
//!    Guarded by `unknown_gives_no_change`.
//! 7. **Nothing undeclared is lost.** Keys, attachments and template hosts that the tree does not declare survive every
//!    write, and so does what the server would drop by itself.
//!    Guarded by `trap_01_undeclared_keys_and_assets_survive`.
//! 8. **No update without a visible field.** A change that renders as nothing is a defect.
//!    Guarded by `every_plan_is_well_formed`.
//! 9. **No secret leaks**: not into output, logs, plans, snapshots or errors.
//!    Guarded by `no_secret_leaves`.
//! 10. **The report is accurate.** Done, failed, not begun and unknown are four words with four counts
//!     ([`apply::StepCount`]), from which every format and the exit code follow. What emblazon itself wrote is never
//!     called drift.
//!     Guarded by `every_format_counts_the_same` and `what_a_partly_failed_apply_wrote_is_ours`.
//! 11. **No unfenced write.** Every writer holds a lease. Its guard ([`apply::lease::LeaseGuard`]) is an argument of
//!     each execution, so that a run without one cannot compile, and its fence ends with the lease.
//!     Guarded by `nothing_is_sent_once_the_lease_ended`, `a_leader_that_was_stopped_writes_nothing_when_it_wakes_up`
//!     and `two_processes_race_and_never_both_write`.
//! 12. **The author of the tree is not the operator.** Where credentials may go, which commands may run and which files
//!     may be read is configured outside the tree ([`live::Trust`]). Input from the tree, the platform, DNS, a forge or
//!     the network is bounded in bytes, counts and time, and reaches a terminal only in visible characters.
//!     Guarded by `a_tree_leads_no_credential_to_a_stranger`, `each_limit_is_the_one_in_the_source` and
//!     `there_is_one_way_to_a_terminal`.
//!
//! # The house's words
//!
//! | word | meaning |
//! | --- | --- |
//! | desired, base, live | the state that the tree declares; the state that was applied last; the state that was read |
//! | source revision | the tree at a commit, or as the files are, that the daemon reconciles |
//! | drift | a difference that was made on the platform since the base, not by emblazon |
//! | kept | of a difference: it stays, because an option of the run or a rule of the tree rules out that it is changed |
//! | approved plan | a plan with the desired state that it leads to and the guards that were lifted for it |
//! | execution, step run | running an approved plan; running one of its steps |
//! | audit log, head, principals | the chained lines about every write; the last of them, which Git keeps; who stands behind a run |
//! | key of a reseller | a credential that writes the accounts of one reseller, and no others |
//! | rule of the house | a condition in CEL that a planned change must meet |
//! | in flight | begun, and not ended: a step, a request, a run |
//! | announced, written | what a run may write of a commit, noted in Git before it writes; what it did write, noted until the commit is completely applied |
//! | interrupted run, recovery | a run that never ended; restoring what it destroyed, before anything else is planned |
//! | parked name, placeholder | the domain of an account while its own is released; a whitelabel that is made only to hold it, and deleted again |
//! | lease, lease guard, fence | the right to write to a cluster; the value that proves it; until when it holds |
//! | controller, cycle | the daemon's loop; one pass of it: read, assess, execute, read back |
//! | work queue, schedule | requests to the controller; when each object is due to be read |
//! | hint | what the platform tells of a change: it only brings a read forward |
//! | leader, standby | the daemon that holds the lease; one that waits for it |
//! | condition, alert | a fault that no object's status shows, such as a lost base; what people are told about |
//! | published status, history log | what readers see of the controller; incidents and interventions on disk |
//!
//! # Where to start reading
//!
//! [`tree::Desired`], [`live::Live`], [`diff::Change`], [`plan::Step`] and [`apply::Applied`] are the five values of
//! the flow. `examples/quickstart` is a tree that shows every case; `emblazon plan --sandbox examples/quickstart` shows
//! its plan.

pub mod alert;
pub mod apply;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod dashboard;
pub mod diag;
pub mod diff;
pub mod dns;
pub mod forge;
pub mod import;
pub mod live;
pub mod model;
pub mod plan;
pub mod probe;
pub mod propose;
pub mod reconcile;
pub mod report;
pub mod sandbox;
pub mod transport;
pub mod tree;
