use std::collections::BTreeMap;

use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};

use super::*;
use crate::sample;

fn org() -> OrgId {
    OrgId::from_bits(1)
}

fn draws(budgets: &[u128]) -> Vec<(OrgId, Draw)> {
    budgets.iter().map(|number| (org(), sample::draw(*number))).collect()
}

fn amount(pico: i128) -> Amount {
    Amount::from_pico(pico)
}

/// A book with `pico` granted of each budget.
fn book(grants: &[(u128, i128)]) -> LeaseBook {
    let mut book = LeaseBook::new();
    for (number, pico) in grants {
        book.granted(org(), sample::draw(*number), amount(*pico));
    }
    book
}

#[test]
fn of_a_budget_that_others_lack_money_of_everything_free_is_surplus() {
    let mut book = book(&[(1, 100), (2, 100)]);
    let reserved = book.reserve(&draws(&[1]), Pico::new(60)).unwrap();
    assert!(!book.is_tight());
    book.tighten([sample::draw(1)]);
    assert_eq!(book.surplus(), [(org(), sample::draw(1), amount(40))]);
    book.settle(reserved, Pico::new(10));
    assert_eq!(book.surplus(), [(org(), sample::draw(1), amount(50))]);
    book.tighten([]);
    assert!(!book.is_tight() && book.surplus().is_empty());
}

#[test]
fn a_reservation_takes_from_every_budget_or_from_none() {
    let mut book = book(&[(1, 100), (2, 30)]);
    let lacking = book.reserve(&draws(&[1, 2, 3]), Pico::new(50)).unwrap_err();
    let lacks =
        |number, pico| LeaseRequest { org: org(), draw: sample::draw(number), at_least: amount(pico) };
    assert_eq!(lacking, [lacks(2, 20), lacks(3, 50)]);
    assert_eq!(book.pool(sample::draw(1)).free, amount(100));
    assert_eq!(book.totals().reserved, Amount::ZERO);

    book.granted(org(), sample::draw(2), amount(20));
    book.granted(org(), sample::draw(3), amount(50));
    let reservation = book.reserve(&draws(&[1, 2, 3]), Pico::new(50)).unwrap();
    assert_eq!(book.totals(), Totals { pools: 3, free: amount(50), reserved: amount(150) });
    book.void(reservation);
    assert_eq!(book.totals(), Totals { pools: 3, free: amount(200), reserved: Amount::ZERO });
}

#[test]
fn a_budget_named_twice_must_cover_both() {
    let mut book = book(&[(1, 99)]);
    assert!(book.reserve(&draws(&[1, 1]), Pico::new(50)).is_err());
    assert_eq!(book.pool(sample::draw(1)).free, amount(99));
}

#[test]
fn settling_frees_what_was_not_used() {
    let mut book = book(&[(1, 100)]);
    let reservation = book.reserve(&draws(&[1]), Pico::new(80)).unwrap();
    assert_eq!(book.settle(reservation, Pico::new(30)), [Amount::ZERO]);
    let pool = book.pool(sample::draw(1));
    assert_eq!((pool.free, pool.reserved, pool.settled), (amount(70), Amount::ZERO, amount(30)));
}

#[test]
fn a_cost_beyond_the_reservation_is_taken_from_what_is_free_and_then_counted_as_overrun() {
    let mut book = book(&[(1, 100), (2, 1_000)]);
    let reservation = book.reserve(&draws(&[1, 2]), Pico::new(80)).unwrap();
    assert_eq!(book.settle(reservation, Pico::new(130)), [amount(30), Amount::ZERO]);
    let pool = book.pool(sample::draw(1));
    assert_eq!((pool.free, pool.settled, pool.overrun), (Amount::ZERO, amount(100), amount(30)));
    assert_eq!(book.pool(sample::draw(2)).free, amount(870));
}

#[test]
fn an_overrun_never_takes_what_another_attempt_has_reserved() {
    let mut book = book(&[(1, 100)]);
    let first = book.reserve(&draws(&[1]), Pico::new(40)).unwrap();
    let second = book.reserve(&draws(&[1]), Pico::new(60)).unwrap();
    assert_eq!(book.settle(first, Pico::new(90)), [amount(50)]);
    assert_eq!(book.settle(second, Pico::new(60)), [Amount::ZERO]);
}

#[test]
fn a_reservation_is_topped_up_by_all_budgets_or_not_at_all() {
    let mut book = book(&[(1, 100), (2, 60)]);
    let mut reservation = book.reserve(&draws(&[1, 2]), Pico::new(50)).unwrap();
    let lacking = book.extend(&mut reservation, Pico::new(20)).unwrap_err();
    assert_eq!(
        lacking.first().map(|request| (request.draw, request.at_least)),
        Some((sample::draw(2), amount(10)))
    );
    assert_eq!((reservation.amount(), book.totals().reserved), (Pico::new(50), amount(100)));
    assert_eq!(book.extend(&mut reservation, Pico::new(10)), Ok(()));
    assert_eq!((reservation.amount(), book.totals().reserved), (Pico::new(60), amount(120)));
    book.void(reservation);
    assert_eq!(book.totals().reserved, Amount::ZERO);
}

#[test]
fn recall_takes_free_money_of_that_budget_alone_and_leaves_what_is_reserved() {
    let mut book = book(&[(1, 100), (2, 100)]);
    let reservation = book.reserve(&draws(&[1]), Pico::new(40)).unwrap();
    let unspent = book.recall(sample::draw(1).budget);
    assert_eq!(unspent, [(org(), sample::draw(1), amount(60))]);
    assert_eq!(book.pool(sample::draw(2)).free, amount(100));
    assert!(book.reserve(&draws(&[1]), Pico::new(1)).is_err());
    book.keep(&unspent);
    assert_eq!(book.pool(sample::draw(1)).free, amount(60));
    book.void(reservation);
}

#[test]
fn a_pool_is_idle_when_nothing_was_asked_of_it_between_two_calls() {
    let mut book = book(&[(1, 100), (2, 100)]);
    assert_eq!(book.idle(), []);
    let reservation = book.reserve(&draws(&[1]), Pico::new(1)).unwrap();
    book.void(reservation);
    assert_eq!(book.idle(), [(org(), sample::draw(2), amount(100))]);
    let open = book.reserve(&draws(&[1]), Pico::new(1)).unwrap();
    assert_eq!(book.idle(), []);
    assert_eq!(book.idle(), [], "what an attempt still draws on is not idle");
    book.void(open);
    assert_eq!(book.idle(), [(org(), sample::draw(1), amount(100))]);
}

#[test]
fn an_ended_window_gives_back_and_is_forgotten_once_nothing_is_reserved() {
    let mut book = book(&[(1, 100)]);
    let over = sample::draw(1).window.over_everywhere().unwrap();
    let reservation = book.reserve(&draws(&[1]), Pico::new(40)).unwrap();
    assert_eq!(book.expire_windows(over.plus_micros(-1)), []);
    assert_eq!(book.expire_windows(over), [(org(), sample::draw(1), amount(60))]);
    assert_eq!(book.settle(reservation, Pico::new(10)), [Amount::ZERO]);
    assert_eq!(book.expire_windows(over), [(org(), sample::draw(1), amount(30))]);
    assert_eq!(book.totals(), Totals::default());
}

#[derive(Debug, Clone)]
enum Step {
    Grant(u128, i64),
    Reserve(Vec<u128>, i64),
    Extend(usize, i64),
    Settle(usize, i64),
    Void(usize),
    Recall(u128),
    Idle,
    KeepLast,
}

fn step() -> impl Strategy<Value = Step> {
    let budget = 0_u128..3;
    prop_oneof![
        (budget.clone(), 0_i64..200).prop_map(|(budget, pico)| Step::Grant(budget, pico)),
        (proptest::collection::vec(budget.clone(), 0..4), 0_i64..150)
            .prop_map(|(budgets, pico)| Step::Reserve(budgets, pico)),
        (any::<usize>(), 0_i64..100).prop_map(|(which, pico)| Step::Extend(which, pico)),
        (any::<usize>(), 0_i64..400).prop_map(|(which, pico)| Step::Settle(which, pico)),
        any::<usize>().prop_map(Step::Void),
        budget.prop_map(Step::Recall),
        Just(Step::Idle),
        Just(Step::KeepLast),
    ]
}

/// What the outside world knows: written down beside the book, never read from it.
#[derive(Default)]
struct Witness {
    granted: BTreeMap<Draw, Amount>,
    spent: BTreeMap<Draw, Amount>,
    overrun: BTreeMap<Draw, Amount>,
    given_back: BTreeMap<Draw, Amount>,
    open: Vec<Reservation>,
    last: Vec<(OrgId, Draw, Amount)>,
}

impl Witness {
    fn take(&mut self, which: usize) -> Option<Reservation> {
        (!self.open.is_empty()).then(|| self.open.swap_remove(which % self.open.len()))
    }

    fn gave_back(&mut self, unspent: Vec<(OrgId, Draw, Amount)>) {
        for (_, draw, amount) in &unspent {
            *self.given_back.entry(*draw).or_default() += *amount;
        }
        self.last.extend(unspent);
    }

    fn apply(&mut self, book: &mut LeaseBook, step: Step) {
        match step {
            Step::Grant(budget, pico) => {
                book.granted(org(), sample::draw(budget), amount(pico.into()));
                *self.granted.entry(sample::draw(budget)).or_default() += amount(pico.into());
            }
            Step::Reserve(budgets, pico) => {
                let before: Vec<Pool> = (0..3).map(|budget| book.pool(sample::draw(budget))).collect();
                match book.reserve(&draws(&budgets), Pico::new(pico)) {
                    Ok(reservation) => self.open.push(reservation),
                    Err(lacking) => {
                        assert!(lacking.iter().all(|request| request.at_least > Amount::ZERO));
                        let after: Vec<Pool> = (0..3).map(|budget| book.pool(sample::draw(budget))).collect();
                        assert_eq!(before, after, "a refused reservation changes nothing");
                    }
                }
            }
            Step::Extend(which, pico) => {
                if let Some(mut reservation) = self.take(which) {
                    let _refused_or_extended = book.extend(&mut reservation, Pico::new(pico));
                    self.open.push(reservation);
                }
            }
            Step::Settle(which, cost) => self.settle(book, which, cost),
            Step::Void(which) => {
                if let Some(reservation) = self.take(which) {
                    book.void(reservation);
                }
            }
            Step::Recall(budget) => self.gave_back(book.recall(sample::draw(budget).budget)),
            Step::Idle => self.gave_back(book.idle()),
            Step::KeepLast => {
                let last = std::mem::take(&mut self.last);
                for (_, draw, amount) in &last {
                    *self.given_back.entry(*draw).or_default() -= *amount;
                }
                book.keep(&last);
            }
        }
    }

    fn settle(&mut self, book: &mut LeaseBook, which: usize, cost: i64) {
        let Some(reservation) = self.take(which) else { return };
        let (drawn, reserved): (Vec<Draw>, Pico) = (reservation.draws().collect(), reservation.amount());
        let overruns = book.settle(reservation, Pico::new(cost));
        for (draw, overrun) in drawn.into_iter().zip(overruns) {
            assert!(
                overrun <= Amount::from(Pico::new(cost)) - Amount::from(reserved).min(amount(cost.into()))
            );
            *self.spent.entry(draw).or_default() += amount(cost.into());
            *self.overrun.entry(draw).or_default() += overrun;
        }
    }

    fn reserved(&self, draw: Draw) -> Amount {
        let reservations = self.open.iter();
        reservations.map(|open| amount(i128::from(open.amount().get()) * count(open, draw))).sum()
    }
}

fn count(reservation: &Reservation, draw: Draw) -> i128 {
    reservation.draws().filter(|drawn| *drawn == draw).map(|_| 1).sum()
}

proptest! {
    #[test]
    fn what_was_granted_is_free_reserved_settled_or_given_back(steps in proptest::collection::vec(step(), 0..120)) {
        let (mut book, mut witness) = (LeaseBook::new(), Witness::default());
        for step in steps {
            witness.apply(&mut book, step);
            for draw in (0..3).map(sample::draw) {
                let pool = book.pool(draw);
                let known = |map: &BTreeMap<Draw, Amount>| map.get(&draw).copied().unwrap_or_default();
                prop_assert_eq!(pool.granted, pool.free + pool.reserved + pool.settled + pool.given_back);
                prop_assert_eq!(pool.granted, known(&witness.granted));
                prop_assert_eq!(pool.reserved, witness.reserved(draw));
                prop_assert_eq!(pool.settled + pool.overrun, known(&witness.spent));
                prop_assert_eq!(pool.overrun, known(&witness.overrun));
                prop_assert_eq!(pool.given_back, known(&witness.given_back));
                assert!(pool.free >= Amount::ZERO);
            }
        }
    }
}
