//! What becomes of a message: it arrives, late or out of order; or it is lost, or doubled, or its answer is.
//!
//! Invariant: only what the link may do happens: a grant or a give-back is never sent twice on its own accord.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use metering::ports::{LeaseAnswer, Sequence};

use crate::control::number_of;
use crate::guard::Guard;
use crate::link::{Answer, Ask, Lost, Message, Said};
use crate::world::{World, account};

/// An answer of the control plane takes less, or something hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Arrives,
    /// It arrives, and the answer takes its time.
    Dawdles,
    /// It never arrives.
    IsLost,
    /// It arrives after whoever sent it has given up.
    IsLate,
    /// It is done, and whoever did it dies before it answers.
    LosesItsAnswer,
    /// It is half done.
    IsHalfDone,
    /// It is done, and will be once more.
    IsDoubled,
    /// The control plane is too busy to do anything.
    IsTurnedAway,
}

const FAIR: &[(u64, Fate)] = &[(80, Fate::Arrives), (20, Fate::Dawdles)];

const FOUL: &[(u64, Fate)] = &[
    (66, Fate::Arrives),
    (6, Fate::Dawdles),
    (5, Fate::IsLost),
    (5, Fate::IsLate),
    (8, Fate::LosesItsAnswer),
    (2, Fate::IsHalfDone),
    (5, Fate::IsDoubled),
    (3, Fate::IsTurnedAway),
];

const UNHEARD: &[(u64, Fate)] = &[(1, Fate::LosesItsAnswer)];

impl World {
    /// Something becomes of one of the messages that are on their way.
    pub(crate) async fn deliver(&mut self) -> anyhow::Result<()> {
        let which = self.dice.place(self.net.len());
        if which >= self.net.len() {
            return Ok(());
        }
        let mut message = self.net.remove(which);
        if let Some(answer) = message.answer.take() {
            self.reply(&mut message, answer);
            return Ok(());
        }
        let fates = match (self.plan.is_fair(), self.plan.without) {
            (true, _) => FAIR,
            // What the guard is against is rare by itself.
            (false, Some(Guard::GiveBackOnce | Guard::UnknownReturnIsGone)) if is_give_back(&message) => {
                UNHEARD
            }
            (false, _) => FOUL,
        };
        let Some(fate) = self.dice.choose(fates) else { return Ok(()) };
        if !matches!(fate, Fate::Arrives | Fate::Dawdles) {
            self.tally.mishaps += 1;
            self.trace.note(format_args!("{} {fate:?}", message.from));
        }
        self.befall(message, fate).await
    }

    async fn befall(&mut self, mut message: Message, fate: Fate) -> anyhow::Result<()> {
        match fate {
            Fate::Arrives => self.arrive(message).await?,
            Fate::Dawdles => {
                message.answer = Some(self.execute(&message).await?);
                self.net.push(message);
            }
            Fate::IsLost => self.reply(&mut message, Err(Lost::Unknown)),
            Fate::IsLate => {
                self.reply(&mut message, Err(Lost::Unknown));
                self.net.push(message);
            }
            Fate::LosesItsAnswer => {
                let _nobody_hears = self.execute(&message).await?;
                self.reply(&mut message, Err(Lost::Unknown));
                if is_give_back(&message) && self.plan.without == Some(Guard::GiveBackOnce) {
                    self.net.push(message);
                }
            }
            Fate::IsHalfDone => {
                self.control.half(&message.ask).await?;
                self.note_committed(&message.ask);
                self.reply(&mut message, Err(Lost::Unknown));
            }
            Fate::IsDoubled => {
                let repeats = self.plan.without == Some(Guard::GiveBackOnce);
                if matches!(message.ask, Ask::Ship(_) | Ask::Hello(_)) || (repeats && is_give_back(&message))
                {
                    let (from, ask) = (message.from, message.ask.clone());
                    self.net.push(Message { from, ask, reply: None, answer: None });
                }
                self.arrive(message).await?;
            }
            Fate::IsTurnedAway => self.reply(&mut message, Err(Lost::NotDone)),
        }
        Ok(())
    }

    /// It is done and answered.
    pub(crate) async fn arrive(&mut self, mut message: Message) -> anyhow::Result<()> {
        let answer = self.execute(&message).await?;
        self.reply(&mut message, answer);
        Ok(())
    }

    /// The control plane does it.
    async fn execute(&mut self, message: &Message) -> anyhow::Result<Answer> {
        let ask = self.undo_a_guard(message.ask.clone());
        let answering = self.control.answer(ask, self.plan.without);
        let Ok(answer) = tokio::time::timeout(PATIENCE, answering).await else {
            bail!("the control plane does not answer");
        };
        if matches!(answer, Err(Lost::Unknown)) {
            bail!("the database failed: {:?}", message.ask);
        }
        self.note_executed(message, &answer);
        self.check_standing(&message.ask).await?;
        Ok(answer)
    }

    fn undo_a_guard(&self, mut ask: Ask) -> Ask {
        match (self.plan.without, &mut ask) {
            (Some(Guard::LeaseOfOneLife), Ask::Grant(holder, _) | Ask::GiveBack(holder, _)) => {
                holder.incarnation = 1
            }
            (Some(Guard::LeaseOfOneLife), Ask::Ship(shipment)) => {
                shipment
                    .events
                    .iter_mut()
                    .for_each(|event| Arc::make_mut(event).attempt.holder.incarnation = 1);
            }
            (Some(Guard::LeaseOfOneLife), Ask::Hello(hello)) => hello.holder.incarnation = 1,
            (Some(Guard::Watermark), Ask::Hello(hello)) => hello.journal_found = Sequence(u64::MAX),
            (Some(Guard::Boot), Ask::Hello(hello)) => hello.boot.clear(),
            (Some(Guard::EventOnce), Ask::Ship(shipment)) => {
                for event in shipment.events.iter_mut().map(Arc::make_mut) {
                    event.attempt.id.attempt +=
                        u16::from(self.meter.is_committed(&event.attempt.id.to_string()));
                }
            }
            _ => {}
        }
        ask
    }

    fn note_executed(&mut self, message: &Message, answer: &Answer) {
        let from = message.from;
        match (&message.ask, answer) {
            (Ask::Grant(_, requests), Ok(Said::Leases(answers))) => {
                for (request, answer) in requests.iter().zip(answers) {
                    let number = number_of(request.draw.budget);
                    let wanted = request.at_least.pico();
                    if let LeaseAnswer::Granted(amount) = answer {
                        self.grant(from.node, number, amount.pico());
                    }
                    self.trace.note(format_args!("{from} asks {wanted} of {number}: {answer:?}"));
                }
            }
            (Ask::GiveBack(_, unspent), Ok(_)) => {
                for (_, draw, amount) in unspent {
                    self.grant(from.node, number_of(draw.budget), -amount.pico());
                }
                let sum: i128 = unspent.iter().map(|(_, _, amount)| amount.pico()).sum();
                self.trace.note(format_args!("{from} gave back {sum}"));
            }
            (Ask::Ship(shipment), Ok(_)) => {
                self.trace.note(format_args!(
                    "{from} commits {} up to {}",
                    shipment.events.len(),
                    shipment.upto.0
                ));
                self.note_committed(&message.ask);
                if let Some(node) = self.nodes.get_mut(from.node).filter(|node| node.is_known) {
                    node.noted = node.noted.max(shipment.upto.0);
                }
            }
            (Ask::Hello(hello), answer) => {
                self.trace.note(format_args!("{from} says hello from {}: {answer:?}", hello.journal_found.0));
                if let Some(node) = self.nodes.get_mut(from.node).filter(|_| answer.is_ok()) {
                    node.is_known |= node.id == Some(hello.holder.node);
                }
            }
            (_, answer) => self.trace.note(format_args!("{from}: {answer:?}")),
        }
    }

    fn note_committed(&mut self, ask: &Ask) {
        let Ask::Ship(shipment) = ask else { return };
        for event in &shipment.events {
            self.meter.committed(&event.attempt.id.to_string());
        }
    }

    fn grant(&mut self, place: usize, number: usize, amount: i128) {
        if let Some(node) = self.nodes.get_mut(place) {
            node.purse.entry(number).or_default().granted += amount;
        }
    }

    /// What a node has taken out to give back, and nobody has yet.
    pub(crate) fn returning(&self, place: usize, number: usize) -> i128 {
        let theirs = self.net.iter().filter(|message| message.from.node == place && message.answer.is_none());
        let amounts = theirs.flat_map(|message| match &message.ask {
            Ask::GiveBack(_, unspent) => unspent.as_slice(),
            _ => &[],
        });
        amounts
            .filter(|(_, draw, _)| number_of(draw.budget) == number)
            .map(|(_, _, amount)| amount.pico())
            .sum()
    }

    /// At every commit a limit covers what is spent, suspended and granted.
    async fn check_standing(&mut self, ask: &Ask) -> anyhow::Result<()> {
        // Looked at now and then: what is wrong at a commit stays wrong.
        if matches!(ask, Ask::Hello(_)) || self.accounts.is_empty() || !self.dice.percent(30) {
            return Ok(());
        }
        let which = self.dice.place(self.accounts.len());
        let Some((number, window)) = self.accounts.iter().nth(which).copied() else { return Ok(()) };
        let state = self.control.state(number, window).await?;
        let taken = (state.spent + state.suspense + state.escrow).pico();
        let cap = self.meter.cap(&account((number, window)));
        if taken > cap {
            bail!("budget {number} allows {cap}, and {taken} are spent, suspended or granted");
        }
        Ok(())
    }
}

fn is_give_back(message: &Message) -> bool {
    matches!(message.ask, Ask::GiveBack(..))
}
