//! A step in flight: its writes, each announced in the journal before it is sent.

use super::answer;
use super::audit::{AuditDraft, AuditError, AuditEvent, AuditState};
use super::brand::Held;
use super::context::Context;
use super::journal::{JournalError, JournalEvent};
use super::manifest::SnapshotError;
use super::outcome::{Halt, StepResult};
use crate::dns::push::{PrimaryWriter, PushError, ZoneChange};
use crate::live::{ApiError, Document, WriteError};
use crate::model::{AccountId, AssetKind, DomainTemplate, Revision, Settings, count};
use crate::plan::{Step, Subject};
use crate::tree::BillingPolicy;

/// A step in flight.
pub(super) struct StepRun<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) step: &'a Step,
    /// Notes for the reader of the report.
    pub(super) notes: Vec<String>,
    /// Whether its account released its domain before: then it is finished although a failure elsewhere ended the run.
    is_released: bool,
    /// The revision that the last accepted write was answered with.
    pub(super) accepted: Option<Revision>,
    /// The object before the step, and after it as far as it is known.
    pub(super) before: AuditState,
    pub(super) after: AuditState,
    /// Whether a write was announced: writes that belong together are finished once begun.
    has_begun: bool,
}

/// Why a step ends without being done.
#[derive(Debug)]
pub(super) enum Stop {
    Moved(String),
    Failed(String),
    Unknown(String),
    NotBegun(Halt, String),
}

/// One write to an account.
#[derive(Clone, Debug)]
pub(super) enum Write<'a> {
    Create {
        settings: &'a Settings,
        billing: BillingPolicy,
    },
    Update {
        settings: &'a Settings,
        if_match: &'a Revision,
    },
    Upload {
        kind: AssetKind,
        asset: &'a Held,
        if_match: &'a Revision,
    },
    Delete {
        if_match: &'a Revision,
    },
}

impl Write<'_> {
    fn describe(&self) -> String {
        match self {
            Self::Create { .. } => "create".to_owned(),
            Self::Update { .. } => "update".to_owned(),
            Self::Upload { kind, asset, .. } => format!("upload {kind} {}", asset.digest),
            Self::Delete { .. } => "delete".to_owned(),
        }
    }

    fn if_match(&self) -> Option<&Revision> {
        match self {
            Self::Create { .. } => None,
            Self::Update { if_match, .. }
            | Self::Upload { if_match, .. }
            | Self::Delete { if_match } => Some(if_match),
        }
    }
}

impl<'a> StepRun<'a> {
    pub(super) fn new(context: &'a Context<'a>, step: &'a Step, is_released: bool) -> Self {
        Self {
            context,
            step,
            notes: Vec::new(),
            is_released,
            accepted: None,
            before: AuditState::Unknown,
            after: AuditState::Unknown,
            has_begun: false,
        }
    }

    /// Adds a note for the report.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    /// Records a repair of the server's doing, in the report and in the journal.
    pub(super) fn repair(&mut self, what: impl Into<String>) -> Result<(), Stop> {
        let what = what.into();
        self.context.journal(JournalEvent::Repair {
            step: self.step.id,
            what: what.clone(),
        })?;
        self.note(what);
        Ok(())
    }

    /// Sends one write; the outer error means that nothing was sent.
    pub(super) async fn send(
        &mut self,
        account: &AccountId,
        write: &Write<'_>,
    ) -> Result<Result<Option<Document>, WriteError>, Stop> {
        let request = self.context.next_request();
        self.announce(write.describe(), write.if_match(), request.as_str())?;
        let client = self.context.writer;
        let answer = match write {
            Write::Create { settings, billing } => client
                .create(account, settings, *billing, &request)
                .await
                .map(Some),
            Write::Update { settings, if_match } => client
                .update(account, settings, if_match, &request)
                .await
                .map(Some),
            Write::Upload {
                kind,
                asset,
                if_match,
            } => client
                .upload(
                    account,
                    *kind,
                    asset.upload_type(*kind),
                    asset.bytes.to_vec(),
                    if_match,
                    &request,
                )
                .await
                .map(Some),
            Write::Delete { if_match } => client
                .delete(account, if_match, &request)
                .await
                .map(|()| None),
        };
        self.accepted = match &answer {
            Ok(Some(document)) => Some(document.revision.clone()),
            Ok(None) | Err(_) => None,
        };
        let told = match &answer {
            Ok(Some(document)) => format!("accepted as revision {}", document.revision),
            Ok(None) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        };
        self.answered(request.as_str(), told);
        Ok(answer)
    }

    /// Sends the template; the outer error means that nothing was sent.
    pub(super) async fn send_template(
        &mut self,
        template: &DomainTemplate,
    ) -> Result<Result<(), WriteError>, Stop> {
        let Some(client) = self.context.template else {
            return Err(Stop::Failed(
                "this run may not write the template; log in with the master account".to_owned(),
            ));
        };
        let request = self.context.next_request();
        self.announce("replace template".to_owned(), None, request.as_str())?;
        let answer = client.replace(template, &request).await;
        let told = match &answer {
            Ok(()) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        };
        self.answered(request.as_str(), told);
        Ok(answer)
    }

    /// Sends the records of a zone; the outer error means that nothing was sent.
    pub(super) async fn send_records(
        &mut self,
        primary: &PrimaryWriter,
        change: &ZoneChange,
    ) -> Result<Result<(), PushError>, Stop> {
        // The primary logs no request id, but in the journal the id ties the response to its write.
        let request = self.context.next_request();
        let sets = change.sets.len();
        self.announce(
            format!("change {}", count(sets, "set of records")),
            None,
            request.as_str(),
        )?;
        let answer = primary.write(change).await;
        let told = match &answer {
            Ok(()) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        };
        self.answered(request.as_str(), told);
        Ok(answer)
    }

    fn announce(
        &mut self,
        write: String,
        if_match: Option<&Revision>,
        request: &str,
    ) -> Result<(), Stop> {
        // Once the end of the run was reported, no write may follow.
        let goes_on = |halt| self.has_begun || (self.is_released && halt == Halt::Failure);
        if let Some((halt, reason)) = self.context.ended().filter(|(halt, _)| !goes_on(*halt)) {
            return Err(Stop::NotBegun(*halt, reason.clone()));
        }
        if !self.context.options.guard.holds() {
            return Err(Stop::Failed(
                "nothing was sent: the lease ended in the meantime, and somebody else may write now; plan again"
                    .to_owned(),
            ));
        }
        self.context.journal(JournalEvent::Intent {
            step: self.step.id,
            subject: self.step.subject.clone(),
            write,
            if_match: if_match.cloned(),
            request: request.to_owned(),
            key: Some(self.key()),
        })?;
        if !self.has_begun {
            self.context.audit(self.draft(None))?;
        }
        self.has_begun = true;
        Ok(())
    }

    /// Records in the audit log how the step ended, if it wrote. Everything is sent already, so a failing log is a note,
    /// not an error.
    pub(super) fn end(&mut self, result: &StepResult) {
        if !self.has_begun {
            return;
        }
        if let Err(error) = self.context.audit(self.draft(Some(result))) {
            self.note(error.to_string());
        }
    }

    fn draft(&self, result: Option<&StepResult>) -> AuditDraft {
        let is_done = matches!(result, Some(StepResult::Done { .. }));
        AuditDraft {
            event: result.map_or(AuditEvent::Begun, |_| AuditEvent::Ended),
            step: self.step.id,
            object: (&self.step.subject).into(),
            action: self.step.action.told(),
            key: self.key(),
            before: self.before.clone(),
            after: result.map(|_| match &self.after {
                after if is_done => after.clone(),
                _ => AuditState::Unknown,
            }),
            result: result.map(StepResult::standing),
        }
    }

    /// Returns where the credential of the step comes from.
    fn key(&self) -> String {
        let primary = self.context.options.primary.as_ref();
        match &self.step.subject {
            Subject::Zone(_) => primary.map(|primary| primary.read().key()),
            Subject::Account { id, .. } => {
                let key = self.context.writer.key_of(id);
                Some(key.unwrap_or("none").to_owned())
            }
            Subject::Template => None,
        }
        .unwrap_or_else(|| self.context.reader().key().to_owned())
    }

    /// Records the response. The write is already sent, so a failing journal is a note, not an error.
    fn answered(&mut self, request: &str, answer: String) {
        let written = self.context.journal(JournalEvent::Answer {
            step: self.step.id,
            request: request.to_owned(),
            answer,
        });
        if let Err(error) = written {
            self.note(error.to_string());
        }
    }
}

impl Stop {
    /// Ends a step because the live state could not be read before anything was written.
    pub(super) fn unread(error: &ApiError) -> Self {
        Self::Failed(format!(
            "the live state could not be read, so nothing was written: {}",
            answer::explain(error)
        ))
    }

    pub(super) fn result(self) -> StepResult {
        match self {
            Self::Moved(reason) => StepResult::Moved { reason },
            Self::Failed(reason) => StepResult::Failed { reason },
            Self::Unknown(reason) => StepResult::Unknown { reason },
            Self::NotBegun(halt, reason) => StepResult::NotBegun { halt, reason },
        }
    }
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Self {
        Self::Failed(format!("nothing was sent: {error}"))
    }
}

impl From<AuditError> for Stop {
    fn from(error: AuditError) -> Self {
        Self::Failed(format!("nothing was sent: {error}"))
    }
}

impl From<SnapshotError> for Stop {
    fn from(error: SnapshotError) -> Self {
        Self::Failed(format!("nothing was sent: {error}"))
    }
}
