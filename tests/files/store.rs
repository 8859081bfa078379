//! The store, in a folder and, where `PROVOST_TEST_S3` names an S3-compatible service, in a bucket.

use std::io::{Read, Seek, SeekFrom};

use clap::Parser;
use futures_util::TryStreamExt;
use provost::{
    config::{Config, FilesHome},
    files::{Sha256, Store},
};

use super::sample;
use crate::support::TempFolder;

#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    config: Config,
}

/// Runs `test` on a store of each kind.
fn on_each_store(test: impl Fn(&Store)) {
    let folder = TempFolder::new();
    let mut config = Defaults::parse_from(["provost"]).config;
    config.files = Some(FilesHome::Folder(folder.path.join("not/there/yet")));
    test(&Store::open(&config).unwrap());
    if let Ok(endpoint) = std::env::var("PROVOST_TEST_S3") {
        config.files = Some(FilesHome::Bucket {
            bucket: "provost-test".into(),
            prefix: format!("of/{}", uuid::Uuid::now_v7()),
        });
        config.s3_endpoint = Some(endpoint);
        config.s3_region = Some("us-east-1".into());
        config.s3_access_key_id = Some("key".into());
        config.s3_secret_access_key = Some("secret".into());
        test(&Store::open(&config).unwrap());
    }
}

fn range_of(store: &Store, sha256: &Sha256, range: std::ops::Range<u64>) -> Vec<u8> {
    actix_web::rt::System::new().block_on(async {
        let parts: Vec<_> = store
            .range(sha256, range)
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        parts.concat()
    })
}

#[test]
fn bytes_come_back_whole_in_ranges_and_from_any_place() {
    on_each_store(|store| {
        // None, a few, a whole piece, and more than two.
        for bytes in [0, 10, 8 << 20, (17 << 20) + 3] {
            let file = sample(bytes);
            let sha256 = Sha256::of(&file);
            assert!(!store.exists(&sha256).unwrap());
            store.put_file(&sha256, &file[..]).unwrap();
            store.put_file(&sha256, &file[..]).unwrap();
            assert!(store.exists(&sha256).unwrap());

            assert!(range_of(store, &sha256, 0..bytes as u64) == file);
            let mut reader = store.reader(&sha256).unwrap();
            assert_eq!(reader.size(), bytes as u64);
            let mut read = Vec::new();
            reader.read_to_end(&mut read).unwrap();
            assert!(read == file);
            if bytes > 100 {
                let (from, to) = (bytes / 2 - 7, bytes - 1);
                assert!(range_of(store, &sha256, from as u64..to as u64) == file[from..to]);
                reader.seek(SeekFrom::Start(from as u64)).unwrap();
                let mut some = [0; 20];
                reader.read_exact(&mut some).unwrap();
                assert_eq!(some, file[from..from + 20]);
                reader.seek(SeekFrom::End(-5)).unwrap();
                reader.read_exact(&mut some[..5]).unwrap();
                assert_eq!(some[..5], file[bytes - 5..]);
                assert_eq!(reader.read(&mut some).unwrap(), 0);
            }

            store.delete(&sha256).unwrap();
            store.delete(&sha256).unwrap();
            assert!(!store.exists(&sha256).unwrap());
            assert!(store.reader(&sha256).err().unwrap().is_not_found());
        }
    });
}

#[test]
fn a_source_that_breaks_off_leaves_nothing() {
    struct Broken(usize);
    impl Read for Broken {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if self.0 == 0 {
                return Err(std::io::Error::other("broken off"));
            }
            let read = into.len().min(self.0);
            self.0 -= read;
            Ok(read)
        }
    }
    on_each_store(|store| {
        for bytes in [5, 9 << 20] {
            let sha256 = Sha256::of(&bytes.to_string().into_bytes());
            store.put_file(&sha256, Broken(bytes)).unwrap_err();
            assert!(!store.exists(&sha256).unwrap());
        }
    });
}
