//! A file through a stream, as joint's example: `cargo run --release --example read1gb [MIB] [URL]`.
//!
//! The server reads a file in chunks of 128 KiB, which the client writes to another file, with a bar
//! that shows how far it is. Neither has more of it in memory than a few chunks, as the slower side
//! stops the other one. Without arguments it is 1024 MiB by `msgpack+tcp://127.0.0.1:0`.
#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::{
    env,
    error::Error,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use sha2::{Digest, Sha256};
use tinyrpc::{Blob, Client, Dispatcher, RpcError, Server, produce};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncWriteExt},
};

const CHUNK: usize = 128 << 10;
/// How much may be under way: 32 chunks.
const AHEAD: (u32, u32) = (32, 32 * CHUNK as u32);

fn service(path: &Path) -> Dispatcher {
    let path = path.to_owned();
    Dispatcher::new().stream("read", move || {
        let path = path.clone();
        produce(move |out| async move {
            let mut file = File::open(path).await.map_err(RpcError::internal)?;
            loop {
                let mut chunk = Vec::with_capacity(CHUNK);
                let mut part = (&mut file).take(CHUNK as u64);
                if part.read_to_end(&mut chunk).await.map_err(RpcError::internal)? == 0 {
                    return Ok::<_, RpcError>(());
                }
                // Ready when there is room for it on the way.
                out.send(Blob::from(chunk)).await;
            }
        })
    })
}

/// Copies the server's file, and gives its checksum.
async fn fetch(url: &str, path: &Path, size: u64) -> Result<Sha256, Box<dyn Error>> {
    let client: Client = tinyrpc::connect(url).await?;
    let mut chunks = client.stream::<_, Blob>("read", ()).window(AHEAD.0, AHEAD.1).await?;
    let (mut file, mut sum) = (File::create(path).await?, Sha256::new());
    let (mut done, mut shown) = (0, 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        file.write_all(&chunk).await?;
        sum.update(&chunk);
        done += chunk.len() as u64;
        let percent = done * 100 / size;
        if percent > shown {
            shown = percent;
            bar(percent);
        }
    }
    file.flush().await?;
    client.close().await;
    Ok(sum)
}

fn bar(percent: u64) {
    if io::stderr().is_terminal() {
        let full = percent as usize / 2;
        eprint!("\r[{}{}] {percent:3} %", "#".repeat(full), " ".repeat(50 - full));
        if percent == 100 {
            eprintln!();
        }
    }
}

/// Makes the file that is read, and gives its checksum.
fn make(path: &Path, mib: u64) -> io::Result<Sha256> {
    let (mut file, mut sum) = (std::fs::File::create(path)?, Sha256::new());
    let mut random = fastrand::Rng::with_seed(mib);
    let mut block = vec![0; 1 << 20];
    for _ in 0..mib {
        random.fill(&mut block);
        file.write_all(&block)?;
        sum.update(&block);
    }
    Ok(sum)
}

/// A folder that goes with the program.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let mib: u64 = arguments.next().map_or(Ok(1024), |mib| mib.parse())?;
    let url = arguments.next().unwrap_or_else(|| "msgpack+tcp://127.0.0.1:0".into());
    let folder = Folder(env::temp_dir().join(format!("tinyrpc-read1gb-{}", std::process::id())));
    std::fs::create_dir(&folder.0)?;
    let (from, to) = (folder.0.join("from"), folder.0.join("to"));
    let expected = make(&from, mib)?.finalize();

    let server = Server::new(service(&from)).listen(&url).await?;
    let protocol = url.split_once('+').map_or("", |(protocol, _)| protocol);
    let begun = Instant::now();
    let found = fetch(&format!("{protocol}+{}", server.addresses()[0]), &to, mib << 20).await?;
    let took = begun.elapsed();
    server.shutdown().await;

    let size = std::fs::metadata(&to)?.len();
    if (size, found.finalize()) != (mib << 20, expected) {
        return Err(format!("{size} bytes came, and are not those of the file").into());
    }
    let speed = mib as f64 / took.as_secs_f64();
    println!("{size} bytes came, with the same checksum, {speed:.0} MiB/s");
    Ok(())
}
