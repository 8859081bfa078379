//! A mail server on a loopback port, which keeps what it gets.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use provost::config::Config;

/// The server; its thread ends with the test.
pub struct MailSink {
    address: std::net::SocketAddr,
    messages: Arc<Mutex<Vec<String>>>,
}

impl MailSink {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let messages: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = messages.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that hangs up costs its message only.
                let _ = serve(stream.unwrap(), &kept);
            }
        });
        MailSink { address, messages }
    }

    /// Settings that send mail here.
    pub fn set(&self, config: &mut Config) {
        config.smtp_url = Some(format!("smtp://{}", self.address));
        config.mail_from = Some("Academy <no-reply@example.com>".into());
        config.password_page = Some("https://learn.example.com/password#".into());
    }

    /// The messages that came since the last time, with their headers.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.messages.lock().unwrap())
    }
}

fn serve(mut stream: TcpStream, messages: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    stream.write_all(b"220 sink\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let answer = match line.split(' ').next().unwrap_or_default() {
            "DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                let mut message = String::new();
                while let Some(line) = lines.next().transpose()?.filter(|line| line != ".") {
                    message.push_str(&line);
                    message.push('\n');
                }
                messages.lock().unwrap().push(message);
                "250 kept"
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n")?;
                return Ok(());
            }
            "EHLO" => "250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8",
            _ => "250 ok",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}

/// The token in a message.
pub fn token_of(message: &str) -> String {
    let message = message.replace("=\n", "");
    let start = message
        .find("pvp_")
        .unwrap_or_else(|| panic!("no token: {message}"));
    message[start..].split_whitespace().next().unwrap().to_owned()
}
