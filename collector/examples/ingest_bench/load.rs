//! Sending: as fast as answers come, or on time whatever the answers do.

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::events::{Pool, id};
use crate::server::read_status;

/// What was sent and how it was answered.
pub struct Load {
    /// Events answered with 200.
    pub events: u64,
    /// Requests answered otherwise.
    pub refused: u64,
    pub took: Duration,
    /// Times to the answer, sorted.
    waits: Vec<Duration>,
}

impl Load {
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        quantile_ms(&self.waits, quantile)
    }
}

/// The value below which this share of `sorted` lies, in milliseconds; 0 when empty.
pub fn quantile_ms(sorted: &[Duration], quantile: f64) -> f64 {
    let at = ((sorted.len() as f64 * quantile) as usize).min(sorted.len().saturating_sub(1));
    sorted
        .get(at)
        .map_or(0.0, |wait| wait.as_secs_f64() * 1000.0)
}

/// Each connection sends its next request as soon as the last one is answered.
pub fn closed(address: &str, pool: &Pool, connections: usize, time: Duration) -> Load {
    let next = AtomicU64::new(0);
    run(connections, |connection| {
        let mut sender = Sender::connect(address);
        let end = connection.began + time;
        while Instant::now() < end {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let began = Instant::now();
            let status = sender.send(pool, number);
            connection.note(status, began.elapsed());
        }
    })
}

/// Sends `rate` requests a second. A time to the answer counts from when the request was due, so that a server that
/// stalls is charged for everything it held up. `answered` gets the id of every event answered with 200.
pub fn open(
    address: &str,
    pool: &Pool,
    connections: usize,
    rate: u64,
    time: Duration,
    answered: impl Fn(&str) + Clone + Send,
) -> Load {
    let total = rate * time.as_secs();
    let senders: Vec<_> = (0..connections)
        .map(|_| std::sync::Mutex::new(Some(answered.clone())))
        .collect();
    run(connections, |connection| {
        let answered = senders[connection.index]
            .lock()
            .expect("no panic holds it")
            .take();
        let mut sender = Sender::connect(address);
        let mut number = connection.index as u64;
        while number < total {
            let due = connection.began + Duration::from_secs_f64(number as f64 / rate as f64);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let status = sender.send(pool, number);
            connection.note(status, due.elapsed());
            if let (200, Some(answered)) = (status, &answered) {
                answered(&id(number));
            }
            number += connections as u64;
        }
    })
}

struct Connection {
    index: usize,
    began: Instant,
    events: u64,
    refused: u64,
    waits: Vec<Duration>,
}

impl Connection {
    fn note(&mut self, status: u16, wait: Duration) {
        if status == 200 {
            self.events += 1;
        } else {
            self.refused += 1;
        }
        self.waits.push(wait);
    }
}

fn run(connections: usize, work: impl Fn(&mut Connection) + Sync) -> Load {
    let began = Instant::now();
    let mut load = Load {
        events: 0,
        refused: 0,
        took: Duration::ZERO,
        waits: Vec::new(),
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|index| {
                let work = &work;
                scope.spawn(move || {
                    let mut connection = Connection {
                        index,
                        began,
                        events: 0,
                        refused: 0,
                        waits: Vec::new(),
                    };
                    work(&mut connection);
                    connection
                })
            })
            .collect();
        for thread in threads {
            let connection = thread.join().expect("a sender does not panic");
            load.events += connection.events;
            load.refused += connection.refused;
            load.waits.extend(connection.waits);
        }
    });
    load.took = began.elapsed();
    load.waits.sort_unstable();
    load
}

struct Sender {
    writer: TcpStream,
    reader: BufReader<TcpStream>,
    buffer: Vec<u8>,
}

impl Sender {
    fn connect(address: &str) -> Self {
        let writer = TcpStream::connect(address).expect("the server accepts connections");
        writer.set_nodelay(true).expect("a socket takes options");
        let reader =
            BufReader::with_capacity(1024, writer.try_clone().expect("a socket can be shared"));
        Sender {
            writer,
            reader,
            buffer: Vec::new(),
        }
    }

    fn send(&mut self, pool: &Pool, number: u64) -> u16 {
        pool.request(number).write(number, &mut self.buffer);
        self.writer
            .write_all(&self.buffer)
            .expect("the server reads requests");
        read_status(&mut self.reader)
    }
}
