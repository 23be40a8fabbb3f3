//! Plays the tapes of `vectors/tapes`: timed scripts of inputs with the outputs they must give. `UPDATE=1` rewrites them.
#![allow(
    clippy::disallowed_methods,
    reason = "the ban on files and environment is for the crate, not for its runner"
)]

mod tape;

use serde_json::{Value, json};
use std::fs;
use tape::{World, tapes, text_of};

/// Plays steps and gives each as it must stand in the file.
fn play(tape: &Value, world: &mut World, steps: usize) -> Vec<Value> {
    let steps = tape["steps"].as_array().expect("steps").iter().take(steps);
    let mut latest = 0;
    steps
        .map(|step| {
            // Steps that follow a `run` begin where it ended; a step may also say that the clock went back.
            world.mono = step["at"].as_u64().expect("at");
            let mut out = Vec::new();
            for instruction in step["in"].as_array().expect("in") {
                for (word, arg) in instruction.as_object().expect("an instruction") {
                    out.extend(world.step(word, arg));
                }
                latest = world.mono.max(latest);
                let ledger = world.outbox.ledger();
                assert!(ledger.balances(), "{ledger:?} after {instruction}");
                let deadline = world.outbox.deadline();
                assert!(deadline.is_none_or(|at| at.0 > latest), "a driver would spin after {instruction}");
            }
            let books: Value = serde_json::from_str(&world.outbox.ledger().to_json()).expect("books are JSON");
            let deadline = world.outbox.deadline().map(|at| at.0);
            json!({"at": step["at"], "in": step["in"], "out": out, "deadline": deadline, "books": books})
        })
        .collect()
}

#[test]
fn tapes_play_as_written() {
    let update = std::env::var_os("UPDATE").is_some();
    let tapes = tapes();
    assert!(tapes.len() >= 25, "only {} tapes found", tapes.len());
    for (path, tape) in tapes {
        let played = play(&tape, &mut World::new(&tape), usize::MAX);
        if update {
            fs::write(&path, text_of(&tape, &played)).expect("writable");
            continue;
        }
        let written = tape["steps"].as_array().expect("steps");
        for (index, (played, written)) in played.iter().zip(written).enumerate() {
            for part in ["out", "deadline", "books"] {
                let (played, written) = (&played[part], &written[part]);
                assert_eq!(
                    played,
                    written,
                    "{} step {index}: {part} (left: now, right: tape)",
                    path.display()
                );
            }
        }
    }
}

/// A kill at any moment: what was on the disk then arrives, once, and nothing else of the tape matters any more.
#[test]
fn restart_after_every_step_of_every_tape_loses_nothing_on_disk() {
    for (path, tape) in tapes() {
        for steps in 1..=tape["steps"].as_array().expect("steps").len() {
            let mut world = World::new(&tape);
            play(&tape, &mut world, steps);
            let stored: Vec<_> = world
                .disk
                .values()
                .map(|(entry, _)| entry.event_id)
                .collect();
            world.restart();
            let recovered = world.outbox.ledger();
            world.run(&json!({"until": world.mono + 86_400_000, "status": 200, "takes": 50}));
            let ledger = world.outbox.ledger();
            let place = format!("{} killed after step {steps}: {ledger:?}", path.display());
            assert!(
                ledger.balances() && ledger.queued == 0 && world.disk.is_empty(),
                "{place}"
            );
            let missing = stored
                .iter()
                .filter(|id| !world.delivered.contains(id))
                .count() as u64;
            assert_eq!(missing, recovered.lost_total(), "{place}");
        }
    }
}
