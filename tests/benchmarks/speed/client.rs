//! The client: raw HTTP/1.1 on kept connections, requests as prepared bytes, answers looked at for their status,
//! length and `Server-Timing` and no further, so that it takes as little of the machine as it can.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;

/// What a run measured, in microseconds, sorted.
pub(crate) struct Measured {
    pub(crate) total: Vec<u32>,
    pub(crate) without_commit: Vec<u32>,
    pub(crate) failed: usize,
    pub(crate) took: Duration,
    /// A body, to be looked at.
    pub(crate) sample: String,
}

impl Measured {
    pub(crate) fn per_second(&self) -> f64 {
        f64::from(u32::try_from(self.total.len()).unwrap_or(u32::MAX)) / self.took.as_secs_f64()
    }
}

/// The value of which so many hundredths are not greater, in milliseconds.
pub(crate) fn percentile(sorted: &[u32], hundredths: usize) -> f64 {
    let place = (sorted.len() * hundredths / 100).min(sorted.len().saturating_sub(1));
    f64::from(sorted.get(place).copied().unwrap_or(0)) / 1000.0
}

/// `clients` connections that each ask again as soon as they are answered, which an answer with `answered` in its body is alone.
/// `request` appends the bytes of the
/// next request of a client.
pub(crate) async fn run(
    address: &str,
    clients: usize,
    time: Duration,
    answered: &'static str,
    request: impl Fn(&mut Chance, &mut Vec<u8>) + Clone + 'static,
) -> Measured {
    let started = Instant::now();
    let end = started + time;
    let local = tokio::task::LocalSet::new();
    let mut running = Vec::new();
    for client in 0..clients {
        let (address, request) = (address.to_owned(), request.clone());
        running.push(local.spawn_local(one_client(address, client, end, answered, request)));
    }
    let mut all = Measured {
        total: Vec::new(),
        without_commit: Vec::new(),
        failed: 0,
        took: Duration::ZERO,
        sample: String::new(),
    };
    local
        .run_until(async {
            for one in running {
                let one = one.await.expect("a client that panicked");
                all.total.extend(one.total);
                all.without_commit.extend(one.without_commit);
                all.failed += one.failed;
                all.sample = one.sample;
            }
        })
        .await;
    all.took = started.elapsed();
    all.total.sort_unstable();
    all.without_commit.sort_unstable();
    all
}

async fn one_client(
    address: String,
    client: usize,
    end: Instant,
    answered: &'static str,
    request: impl Fn(&mut Chance, &mut Vec<u8>),
) -> Measured {
    let mut chance = Chance::new(client as u64 + 1);
    let mut stream = TcpStream::connect(&address).await.expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let mut measured = Measured {
        total: Vec::new(),
        without_commit: Vec::new(),
        failed: 0,
        took: Duration::ZERO,
        sample: String::new(),
    };
    let (mut out, mut answer) = (Vec::with_capacity(2048), Vec::with_capacity(64 * 1024));
    while Instant::now() < end {
        out.clear();
        request(&mut chance, &mut out);
        let asked = Instant::now();
        send(&stream, &out).await;
        let Some(head) = read_answer(&stream, &mut answer).await else {
            // Closed by the hub, as every connection is after a while.
            stream = TcpStream::connect(&address).await.expect("a connection");
            stream.set_nodelay(true).expect("no delay");
            continue;
        };
        let total = u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX);
        let text = String::from_utf8_lossy(&answer[..head]);
        // "Too many" is a 200 too, and found nobody.
        let is_answer = memmem(&answer[head..], answered.as_bytes());
        if text.as_bytes().get(9..12) == Some(b"200") && is_answer {
            let commit =
                header(&text, "server-timing: commit;dur=").map_or(0.0, |ms| ms.parse().unwrap_or(0.0));
            measured.total.push(total);
            measured.without_commit.push(total.saturating_sub((commit * 1000.0) as u32));
        } else {
            measured.failed += 1;
        }
        if measured.sample.is_empty() || measured.failed == 1 {
            measured.sample = String::from_utf8_lossy(&answer).into_owned();
        }
    }
    measured
}

/// Whether bytes are among others. Answers say early what they are.
fn memmem(bytes: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || bytes.windows(wanted.len()).any(|found| found == wanted)
}

/// Requests are small: they fit into the socket's buffer, or the connection is of no use.
async fn send(stream: &TcpStream, request: &[u8]) {
    let mut sent = 0;
    while sent < request.len() {
        stream.writable().await.expect("a connection");
        match stream.try_write(&request[sent..]) {
            Ok(length) => sent += length,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            // Closed by the hub: reading says so.
            Err(_) => return,
        }
    }
}

/// Reads one answer; the length of its head.
async fn read_answer(stream: &TcpStream, answer: &mut Vec<u8>) -> Option<usize> {
    answer.clear();
    let mut part = [0_u8; 16 * 1024];
    let mut end = None;
    loop {
        if end.is_none() {
            end = answer.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4).map(|head| {
                let text = String::from_utf8_lossy(&answer[..head]);
                let length: usize =
                    header(&text, "content-length: ").and_then(|n| n.parse().ok()).unwrap_or(0);
                (head, head + length)
            });
        }
        if let Some((head, whole)) = end
            && answer.len() >= whole
        {
            return Some(head);
        }
        stream.readable().await.ok()?;
        match stream.try_read(&mut part) {
            Ok(0) => return None,
            Ok(length) => answer.extend_from_slice(&part[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return None,
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let start = line.get(..name.len())?;
        start.eq_ignore_ascii_case(name).then(|| line[name.len()..].trim())
    })
}

/// Small pseudo-random numbers (xorshift64*), the same in each run.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() >> 11) as usize % end.max(1)
    }
}
