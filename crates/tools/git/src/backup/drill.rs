//! Whether what was saved of a repository would come back: in a scratch repository.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::RepositoryPlace;
use super::kept::KeptGit;
use super::repository::Repository;
use guard_core::kept::{self, Undoing};
use guard_trees::kept::PathState;
use guard_words::Measure;

impl KeptGit {
    /// In a repository of its own that borrows the objects: everything that the saved references and the
    /// saved index name has to be there, whole.
    pub(super) fn drill_objects(
        &self,
        repository: &Repository<'_>,
        undoing: &Undoing<'_>,
        scratch: &Path,
        lines: &mut Vec<String>,
    ) -> Result<(), String> {
        let bare: PathBuf = scratch.join(".guard-drill.git");
        let mut words: Vec<OsString> = ["init", "--quiet", "--bare"].map(OsString::from).to_vec();
        let format = repository.output(&["rev-parse", "--show-object-format"])?;
        let mut object_format = OsString::from("--object-format=");
        object_format.push(String::from_utf8_lossy(format.trim_ascii()).into_owned());
        words.extend([object_format, bare.clone().into_os_string()]);
        repository.outside(&words)?;
        let failed = |error: std::io::Error| format!("the scratch repository: {error}");
        let objects = repository.place.common_dir.join("objects");
        let mut alternate = objects.as_os_str().as_bytes().to_vec();
        alternate.push(b'\n');
        std::fs::create_dir_all(bare.join("objects/info")).map_err(failed)?;
        std::fs::write(bare.join("objects/info/alternates"), alternate).map_err(failed)?;
        if let Some(index) = &self.index
            && let Some(PathState::File { content, .. }) =
                index.file.entries.first().map(|entry| &entry.state)
            && index.changed
        {
            std::fs::write(bare.join("index"), undoing.reader.bytes(content)?).map_err(failed)?;
        }
        let place = RepositoryPlace {
            git_dir: bare.clone(),
            common_dir: bare,
            top: None,
        };
        let inner = Repository::open(&place, undoing.context, kept::deadline())?;
        let mut input = Vec::new();
        for (number, object) in self.objects.iter().enumerate() {
            let line = format!("create refs/kept/{number} {object}\n");
            input.extend_from_slice(line.as_bytes());
        }
        if !input.is_empty() {
            inner
                .feed(&["update-ref", "--stdin"], input)
                .map_err(|why| format!("objects are missing: {why}"))?;
        }
        inner
            .output(&[
                "fsck",
                "--connectivity-only",
                "--no-dangling",
                "--no-progress",
            ])
            .map_err(|why| format!("the repository is not whole: {why}"))?;
        lines.push(format!(
            "{} in the repository, whole",
            Measure::Objects.count(self.objects.len() as u64)
        ));
        Ok(())
    }
}
