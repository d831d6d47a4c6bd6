//! Room in what replicas share: claimed after it was found here, and before
//! anything is sent.

use std::time::Duration;

use super::{Policy, Reservation};
use crate::clock::Moment;
use crate::config::Limits;
use crate::shared::Claim;
use crate::table::Deployment;

impl Policy {
    /// What an attempt has to claim in the state that replicas share; `None`:
    /// its deployment has no limits, or is gone.
    pub fn claim(&self, reservation: Reservation) -> Option<Claim> {
        let attempt = self.attempts.get(&reservation.0)?;
        let meter = &self.ledger.deployment(attempt.booking.as_ref()?.deployment).meter;
        let (input, output) = self.requests.get(&attempt.request)?.tokens;
        let Deployment { group, endpoint, .. } = attempt.deployment.as_ref();
        (*meter.limits() != Limits::default()).then(|| Claim {
            key: format!("{}|{}|{group}", endpoint.name(), endpoint.origin()),
            limits: *meter.limits(),
            tokens: meter.tokens_counted(input, output),
        })
    }

    /// What an attempt has to claim for its user in the state that replicas
    /// share; `None`: the user has no limits, or has its room already, since one
    /// request takes it once for all of its attempts.
    pub fn claim_of_user(&self, reservation: Reservation) -> Option<Claim> {
        let request = self.requests.get(&self.attempts.get(&reservation.0)?.request)?;
        request.quota.filter(|entry| entry.serial() == reservation.0)?;
        let meter = &self.quotas.get(&request.user)?.meter;
        let (input, output) = request.tokens;
        Some(Claim {
            key: format!("user:{}", self.users.name(request.user)),
            limits: *meter.limits(),
            tokens: meter.tokens_counted(input, output),
        })
    }

    /// The claim for the user was refused: it has had its room at other replicas,
    /// for `wait` yet. Nothing was sent; the request may ask for its next step.
    pub fn user_full(&mut self, reservation: Reservation, wait: Duration, now: Moment) {
        let Some(attempt) = self.attempts.remove(&reservation.0) else { return };
        if let Some(booking) = attempt.booking {
            self.ledger.unsent(booking, now);
        }
        let Some(request) = self.requests.get_mut(&attempt.request) else { return };
        request.held = None;
        request.attempts = request.attempts.saturating_sub(1);
        if let (Some(entry), Some(quota)) =
            (request.quota.take(), self.quotas.get_mut(&request.user))
        {
            quota.meter.void(entry, false, now);
            quota.meter.full_until(now.after(wait));
        }
    }

    /// The claim was refused: other replicas have the room for `wait` yet.
    /// Nothing was sent; the request may ask for its next step.
    pub fn full(&mut self, reservation: Reservation, wait: Duration, now: Moment) {
        let Some(attempt) = self.attempts.remove(&reservation.0) else { return };
        if let Some(booking) = attempt.booking {
            self.ledger.full(booking, now.after(wait), now);
        }
        if let Some(request) = self.requests.get_mut(&attempt.request) {
            request.held = None;
            request.attempts = request.attempts.saturating_sub(1);
        }
    }

    /// An endpoint asked another replica to be left alone for `wait`.
    pub fn leave_alone(&mut self, endpoint: &str, wait: Duration, now: Moment) {
        let found = self.table.endpoints().iter().position(|known| known.name() == endpoint);
        if let Some(place) = found {
            self.ledger.leave_alone(place, now.after(wait));
        }
    }
}
