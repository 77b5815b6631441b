//! GitOps for the branding of a Kazoo telephony platform.
//!
//! A tree of YAML files, kept in Git, declares how each brand looks: whitelabel settings, logo, icon and welcome page,
//! and the system's domain template. emblazon compares the tree with the live platform, shows the difference, applies
//! it, and reads it back. This page is the map: what flows where, where what lives, and what always holds.
//!
//! # The flow
//!
//! ```text
//!  work tree ─┐                                                        ┌─► text, json
//!             ├─► tree ──► desired ─┐                                  │
//!  Git commit ┘   │                 ├─► diff ──► plan ──► apply ──► report
//!                 │ diagnostics     │   changes   steps   │ outcomes
//!                 ▼                 │                     ▼
//!               report        live ─┘              journal, snapshots
//!                              ▲                          │
//!                              │ reads only               │ writes, each behind a precondition
//!                              └────────── Kazoo ◄────────┘
//!                                     or the sandbox
//! ```
//!
//! Each arrow is a value that can be printed, compared and kept. What decides takes values and returns values; what
//! touches the world stands at the two ends.
//!
//! # Code map
//!
//! A module imports only from those above it, [`live`] and [`dns`] not from each other, `sandbox` only from [`model`].
//!
//! - [`model`]: what exists. Accounts, domains, settings, assets, records, revisions: plain values, and the table of
//!   all known keys ([`model::FIELDS`]) that decoding, checking, schemas and hints read.
//! - [`diag`]: what is wrong in the user's tree. A [`diag::Diagnostic`] has a code of the catalogue, a place and a way to
//!   mend it. Mistakes of users are diagnostics, collected; faults of the world are errors, returned.
//! - [`tree`]: files → [`tree::Desired`]. Reads a work tree or a commit, decodes exactly, applies the layers, checks
//!   everything, and gives the desired state *and* every mistake.
//! - [`live`]: platform → [`live::Live`]. The HTTP client. What reads and what writes are different types. A cache
//!   spares reading what has not moved; nothing is written on its word.
//! - [`dns`]: DNS → what the world sees, judged against the template record by record; what could not be read is never
//!   called drift.
//! - [`diff`]: desired × base × live → changes, in one canonical form.
//! - [`import`]: live → files of a tree that plans empty. The tree's own loader and [`diff`] judge what it writes;
//!   [`tree::edit`] changes files that people wrote, and leaves every other byte alone.
//! - [`plan`]: changes → [`plan::Plan`], an ordered list of steps with preconditions, reasons and risks.
//! - [`apply`]: plan → effects: check, keep a copy, write, read back, look from outside.
//! - `report`: values → text, one leaf file a format.
//! - [`transport`]: one set-up of TLS, proxies and redirects for everything that speaks HTTP.
//! - [`forge`]: reports → one comment or issue on a forge, kept up to date.
//! - `sandbox`: a Kazoo to try things on, with its quirks and with faults on demand. A real server on loopback, so that
//!   tests and newcomers use the whole program, and nothing needs a mock.
//! - [`watch`]: the wheel, turned again and again by a daemon: orders come in, a status goes out.
//! - `cli`: arguments, terminal, exit codes; one file a command. It knows everyone, and nobody knows it.
//!
//! # Invariants
//!
//! 1. **The core is pure.** [`model`], [`diag`], [`tree`] (its two readers aside), [`diff`], [`import`], [`plan`] and `report` know no
//!    clock, network, environment, randomness, files or async; time and seed are arguments.
//!    Guarded by `the_core_is_pure` and `imports_run_one_way`.
//! 2. **A plan cannot write.** Commands that look are handed a client without a method that changes something; the
//!    request that replaces the system template lives in a third type, so that an account forgotten in a path cannot compile.
//!    Guarded by `plan_sends_no_mutating_request`.
//! 3. **A plan is data**: complete, versioned, free of secrets; the same inputs give the same bytes.
//!    Guarded by `every_plan_is_well_formed`.
//! 4. **Apply, then plan, is empty**, and after every fault once a second run ends.
//!    Guarded by `apply_then_plan_is_empty` and `every_fault_at_every_request`.
//! 5. **Import, then plan, is empty**, importing again changes no byte, and **the same text is the same state**: a tree
//!    read from files and from the commit that holds them is one desired state, with the same diagnostics.
//!    Guarded by `import_then_plan_is_empty` and `work_tree_and_commit_agree`.
//! 6. **Three-valued truth.** What could not be read is *unknown*: never "missing", never "in sync", and never a
//!    reason to write.
//!    Guarded by `unknown_gives_no_change`.
//! 7. **Nothing undeclared is lost.** Keys, attachments and template hosts that the tree does not declare survive every
//!    write, and so does what the server would throw away by itself.
//!    Guarded by `trap_01_undeclared_keys_and_assets_survive`.
//! 8. **No update without a visible field.** A change that renders as nothing is a defect.
//!    Guarded by `every_plan_is_well_formed`.
//! 9. **No secret leaves**: not in output, logs, plans, snapshots, errors.
//!    Guarded by `no_secret_leaves`.
//! 10. **What is shown is what is.** Done, failed, not begun and unknown are four words with four counts
//!     ([`apply::StepCount`]), from which every format and the exit code follow; what emblazon itself wrote is never called drift.
//!     Guarded by `every_format_counts_the_same` and `what_a_partly_failed_apply_wrote_is_ours`.
//!
//! # Where to start reading
//!
//! [`tree::Desired`], [`live::Live`], [`diff::Change`], [`plan::Step`] and [`apply::Applied`] are the five values of
//! the flow. `examples/quickstart` is the tree that shows every case; `emblazon plan --sandbox examples/quickstart`
//! shows what becomes of it.

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
pub mod reconcile;
pub mod report;
pub mod sandbox;
pub mod transport;
pub mod tree;
