//! Whatever is written is read the same, to the last byte and not without it.

use durable::batch::{
    BatchAnswer, BatchName, ClaimOutcome, Grant, Items, PassRef, RenewOutcome, Reply, TicketRef,
    decode_batch, encode_batch,
};
use durable::codec::{Reader, Writer, from_hex, hex};
use durable::draw::Draw;
use durable::draws::Occasion;
use durable::health::Health;
use durable::journal::{Change, Row};
use durable::token::{Holder, PassStanding};
use durable::units::{Epoch, Generation, Millis, PassEpoch, Place, Rank, Seat};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{config, number, small};

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Byte(u8),
    Number(u64),
    Fixed([u8; 5]),
    Blob(Vec<u8>),
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        any::<u8>().prop_map(Part::Byte),
        number().prop_map(Part::Number),
        any::<[u8; 5]>().prop_map(Part::Fixed),
        vec(any::<u8>(), 0..200).prop_map(Part::Blob),
    ]
}

fn read(like: &[Part], bytes: &[u8]) -> Option<Vec<Part>> {
    let mut reader = Reader::new(bytes);
    let parts = like.iter().map(|part| match part {
        Part::Byte(_) => Part::Byte(reader.byte()),
        Part::Number(_) => Part::Number(reader.number()),
        Part::Fixed(_) => Part::Fixed(reader.fixed()),
        Part::Blob(_) => Part::Blob(reader.blob().to_vec()),
    });
    let parts = parts.collect::<Vec<Part>>();
    reader.end().ok().map(|()| parts)
}

fn grant() -> impl Strategy<Value = Grant> {
    (small(), small(), number(), number(), any::<bool>()).prop_map(
        |(seat, generation, issued, expires, known)| Grant {
            seat: Seat(seat),
            generation: Generation(generation),
            issued: Millis(issued),
            expires: Millis(expires),
            standing: if known { PassStanding::Confirmed } else { PassStanding::Unconfirmed },
        },
    )
}

fn batch_name() -> impl Strategy<Value = BatchName> {
    ("[a-z0-9/é]{0,32}", any::<[u8; 16]>(), number()).prop_map(|(lobby, incarnation, number)| BatchName {
        lobby,
        incarnation,
        number,
    })
}

fn change() -> impl Strategy<Value = Change> {
    let configured = (number(), number(), ".{0,40}").prop_map(|(version, directory_version, settings)| {
        Change::Configured { version, directory_version, settings }
    });
    let called = (number(), small(), number(), number()).prop_map(|(end, holding, closes_at, late_until)| {
        Change::Called {
            end: Place(end),
            holding,
            closes_at: Millis(closes_at),
            late_until: Millis(late_until),
        }
    });
    let admitted = (proptest::option::of(number()), grant(), number()).prop_map(|(rank, grant, free_at)| {
        Change::Admitted { rank: rank.map(Rank), grant, free_at: Millis(free_at) }
    });
    let left = (small(), small(), number(), number()).prop_map(|(seat, generation, free_at, forget_at)| {
        let (seat, generation) = (Seat(seat), Generation(generation));
        Change::PassLeft { seat, generation, free_at: Millis(free_at), forget_at: Millis(forget_at) }
    });
    let answered = (batch_name(), any::<[u8; 32]>(), vec(any::<u8>(), 0..50))
        .prop_map(|(name, digest, reply)| Change::Answered { name, digest, reply });
    prop_oneof![
        configured,
        number().prop_map(|count| Change::Joined { count }),
        called,
        admitted,
        (grant(), number()).prop_map(|(grant, free_at)| Change::Renewed { grant, free_at: Millis(free_at) }),
        (grant(), number()).prop_map(|(grant, free_at)| Change::Returned { grant, free_at: Millis(free_at) }),
        number().prop_map(|rank| Change::TicketLeft { rank: Rank(rank) }),
        left,
        number().prop_map(|rank| Change::Kept { rank: Rank(rank) }),
        (number(), number()).prop_map(|(tat_ns, late_tat_ns)| Change::Paced { tat_ns, late_tat_ns }),
        answered,
        change_of_events(),
        change_of_rounds(),
        health().prop_map(|health| Change::OriginHeard { health }),
        (small(), small()).prop_map(|(pace, limit)| Change::OriginJudged {
            pace: Some(pace).filter(|pace| *pace > 0),
            limit
        }),
    ]
}

fn occasion() -> impl Strategy<Value = Occasion> {
    (any::<[u8; 16]>(), number()).prop_map(|(event, start)| Occasion { event, start: Millis(start) })
}

fn draw() -> impl Strategy<Value = Draw> {
    let ranks = (0..Rank::LIMIT, number(), any::<[u8; 32]>(), any::<[u8; 32]>());
    ranks.prop_map(|(first, count, seed, hash)| Draw {
        first: Rank(first),
        count: count % (Rank::LIMIT - first + 1),
        seed,
        hash,
    })
}

fn change_of_events() -> impl Strategy<Value = Change> {
    prop_oneof![
        ".{0,40}".prop_map(|events| Change::Scheduled { events }),
        any::<bool>().prop_map(|held| Change::Held { held }),
        (occasion(), any::<[u8; 32]>()).prop_map(|(occasion, seed)| Change::Sealed { occasion, seed }),
        proptest::option::of(any::<[u8; 16]>()).prop_map(|event| Change::Gathering { event }),
        any::<[u8; 32]>().prop_map(|hash| Change::Mixed { hash }),
        (occasion(), draw()).prop_map(|(occasion, draw)| Change::Drawn { occasion, draw }),
        (proptest::option::of(occasion()), number())
            .prop_map(|(occasion, free_at)| Change::SessionsEnded { occasion, free_at: Millis(free_at) }),
    ]
}

fn change_of_rounds() -> impl Strategy<Value = Change> {
    let round = (draw(), number(), vec(number(), 0..5), small(), number(), number());
    prop_oneof![
        number().prop_map(|wait| Change::Promised { wait: Millis(wait) }),
        (number(), number()).prop_map(|(called, claimed)| Change::Learnt { called, claimed }),
        any::<[[u8; 32]; 2]>().prop_map(|[tip, commitment]| Change::ChainBegun { tip, commitment }),
        round.prop_map(|(draw, cut, doubles, holding, closes_at, late_until)| Change::Round {
            draw,
            cut,
            doubles: doubles.into_iter().map(Rank).collect(),
            holding,
            closes_at: Millis(closes_at),
            late_until: Millis(late_until),
        }),
    ]
}

fn tickets() -> impl Strategy<Value = Vec<TicketRef>> {
    vec(
        (small(), number()).prop_map(|(epoch, rank)| TicketRef { epoch: Epoch(epoch), rank: Rank(rank) }),
        0..8,
    )
}

fn passes() -> impl Strategy<Value = Vec<PassRef>> {
    let pass = any::<[u32; 4]>().prop_map(|[epoch, pass_epoch, seat, generation]| PassRef {
        epoch: Epoch(epoch),
        pass_epoch: PassEpoch(pass_epoch),
        seat: Seat(seat),
        generation: Generation(generation),
    });
    vec(pass, 0..8)
}

fn health() -> impl Strategy<Value = Health> {
    (small(), small(), small())
        .prop_map(|(sampled, errors, slow)| Health::default().and(Health { sampled, errors, slow }))
}

fn items() -> impl Strategy<Value = Items> {
    let joins = vec(any::<[u8; 16]>().prop_map(Holder), 0..8);
    (
        passes(),
        tickets(),
        passes(),
        tickets(),
        joins,
        0..=4096u32,
        (proptest::option::of(number().prop_map(Millis)), health(), 0..=4096u32, passes()),
    )
        .prop_map(|(pass_leaves, ticket_leaves, renewals, claims, joins, enters, others)| {
            let (board_held, health, leases, lease_returns) = others;
            let asked =
                Items { pass_leaves, ticket_leaves, renewals, claims, joins, enters, ..Items::default() };
            Items { board_held, health, leases, lease_returns, ..asked }
        })
}

fn reply() -> impl Strategy<Value = Reply> {
    let claim = prop_oneof![
        grant().prop_map(ClaimOutcome::Granted),
        number().prop_map(|retry| ClaimOutcome::Next { retry: Millis(retry) }),
        Just(ClaimOutcome::Waiting),
        Just(ClaimOutcome::Used),
        Just(ClaimOutcome::Void),
    ];
    let renewal = prop_oneof![grant().prop_map(RenewOutcome::Renewed), Just(RenewOutcome::Ended)];
    let fields = (small(), small(), number(), number());
    (fields, vec(claim, 0..8), vec(renewal, 0..8), vec(grant(), 0..4), vec(grant(), 0..4)).prop_map(
        |((epoch, pass_epoch, first_rank, joined_at), claims, renewals, entered, leased)| Reply {
            epoch: Epoch(epoch),
            pass_epoch: PassEpoch(pass_epoch),
            first_rank: Rank(first_rank),
            joined_at: Millis(joined_at),
            claims,
            renewals,
            entered,
            leased,
        },
    )
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_a_writer_writes_a_reader_reads(parts in vec(part(), 1..12)) {
        let mut writer = Writer::new();
        for part in &parts {
            match part {
                Part::Byte(byte) => writer.byte(*byte),
                Part::Number(number) => writer.number(*number),
                Part::Fixed(bytes) => writer.fixed(bytes),
                Part::Blob(bytes) => writer.blob(bytes),
            }
        }
        let bytes = writer.into_bytes();
        for length in 0..bytes.len() {
            prop_assert_eq!(read(&parts, &bytes[..length]), None);
        }
        prop_assert_eq!(read(&parts, &bytes), Some(parts));
    }

    #[test]
    fn a_longer_number_takes_no_fewer_bytes(one in number(), other in number()) {
        let length = |number| {
            let mut writer = Writer::new();
            writer.number(number);
            writer.into_bytes().len()
        };
        prop_assert!(one > other || length(one) <= length(other));
        prop_assert!(length(one) == (64 - (one | 1).leading_zeros()).div_ceil(7) as usize);
    }

    #[test]
    fn digits_are_read_as_the_bytes_they_were(bytes in any::<[u8; 7]>()) {
        prop_assert_eq!(from_hex::<7>(&hex(&bytes)), Some(bytes));
        prop_assert_eq!(from_hex::<7>(&hex(&bytes).to_uppercase()), Some(bytes));
        prop_assert_eq!(from_hex::<6>(&hex(&bytes)), None);
    }

    #[test]
    fn rows_survive_the_round_trip(at in number(), changes in vec(change(), 0..10)) {
        let row = Row { at: Millis(at), changes };
        let bytes = row.encode();
        for length in 0..bytes.len() {
            prop_assert!(Row::decode(&bytes[..length]).is_err());
        }
        prop_assert_eq!(Row::decode(&bytes), Ok(row));
    }

    #[test]
    fn batches_survive_the_round_trip(name in batch_name(), items in items(), others in items()) {
        let batch = decode_batch(&encode_batch(&name, &items)).unwrap();
        prop_assert_eq!((&batch.name, &batch.items), (&name, &items));
        let other = decode_batch(&encode_batch(&name, &others)).unwrap();
        prop_assert_eq!(items == others, batch.digest == other.digest);
    }

    #[test]
    fn answers_survive_the_round_trip(reply in reply(), [expected, age] in [number(), number()], board in vec(any::<u8>(), 0..50)) {
        prop_assert_eq!(Reply::decode(&reply.encode()), Ok(reply.clone()));
        for answer in [BatchAnswer::Done(reply), BatchAnswer::Expected(expected), BatchAnswer::Refused, BatchAnswer::Unreachable] {
            let bytes = answer.encode(&board, Millis(age));
            prop_assert_eq!(BatchAnswer::decode(&bytes), Ok((answer, board.as_slice(), Millis(age))));
        }
    }
}
