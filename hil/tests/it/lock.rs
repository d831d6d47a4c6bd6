//! A board has one holder, who is named, and none when that one is gone.

use hil::{BoardLock, Holder, LockError};

fn holder(why: &str) -> Holder {
    Holder { pid: 42, user: Some("ada".to_owned()), why: why.to_owned(), since_unix_ms: 1 }
}

#[test]
fn the_second_is_told_who_is_first() {
    let folder = tempfile::tempdir().unwrap();
    let take = |why| BoardLock::take(folder.path(), "0483:374b:0670FF49", &holder(why));
    let first = take("a test").unwrap();
    let error = take("another").unwrap_err();
    assert_eq!(error.to_string(), "lock 0483:374b:0670FF49: ada holds it with process 42 (a test)");
    assert!(matches!(error, LockError::Held { holder: Some(who), .. } if who == holder("a test")));
    assert_eq!(BoardLock::holder(folder.path(), "0483:374b:0670FF49"), Some(holder("a test")));
    BoardLock::take(folder.path(), "another board", &holder("x")).unwrap();
    drop(first);
    assert_eq!(BoardLock::holder(folder.path(), "0483:374b:0670FF49"), None);
    take("another").unwrap();
}
