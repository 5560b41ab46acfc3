//! The options of git's commands, by verb, in the notation of [`guard_core::grammar::options`].
//!
//! Source: `git VERB -h` of git 2.47 and the manual pages of git-filter-branch(1), git-submodule(1),
//! git-bisect(1), git-diff(1), git-log(1), git-config(1) and git-filter-repo(1), which have no such
//! output. Verbs that are not listed take options that no default rule looks at.

use guard_core::grammar::options::{GIT, Grammar};

/// Verb words and their options. Sorted by verb, for binary search.
const OPTIONS: &[(&str, &str)] = &[
    (
        "add",
        "n|dry-run v|verbose i|interactive p|patch e|edit f|force u|update renormalize \
         N|intent-to-add A|all ignore-removal refresh ignore-errors ignore-missing sparse chmod= \
         pathspec-from-file= pathspec-file-nul",
    ),
    (
        "am",
        "i|interactive n|no-verify verify 3|3way q|quiet s|signoff u|utf8 k|keep keep-non-patch \
         m|message-id keep-cr c|scissors quoted-cr= whitespace= ignore-space-change \
         ignore-whitespace directory= exclude= include= C= p= patch-format= reject resolvemsg= \
         continue r|resolved skip abort quit show-current-patch? retry allow-empty \
         committer-date-is-author-date ignore-date rerere-autoupdate S|gpg-sign? empty=",
    ),
    (
        "apply",
        "exclude= include= p= no-add add stat numstat summary check index N|intent-to-add cached \
         unsafe-paths apply 3|3way ours theirs union build-fake-ancestor= z C= whitespace= \
         ignore-space-change ignore-whitespace R|reverse unidiff-zero reject allow-overlap \
         v|verbose q|quiet inaccurate-eof recount directory= allow-empty",
    ),
    (
        "archive",
        "format= prefix= add-file= add-virtual-file= o|output= worktree-attributes v|verbose mtime= \
         l|list remote= exec=",
    ),
    (
        "bisect",
        "no-checkout term-new= term-old= term-good= term-bad= first-parent",
    ),
    (
        "branch",
        "v|verbose q|quiet t|track? u|set-upstream-to= unset-upstream color? r|remotes contains= \
         no-contains= abbrev? a|all d|delete D m|move M omit-empty c|copy C l|list show-current \
         create-reflog edit-description f|force merged= no-merged= column? sort= points-at= \
         i|ignore-case recurse-submodules format=",
    ),
    ("bundle", "q|quiet progress all-progress version="),
    (
        "checkout",
        "b= B= l guess overlay q|quiet recurse-submodules? progress m|merge conflict= d|detach \
         t|track? f|force orphan= overwrite-ignore ignore-other-worktrees 2|ours 3|theirs p|patch \
         ignore-skip-worktree-bits pathspec-from-file= pathspec-file-nul",
    ),
    (
        "checkout-index",
        "a|all ignore-skip-worktree-bits f|force q|quiet n|no-create create u|index z stdin temp \
         prefix= stage=",
    ),
    (
        "cherry-pick",
        "quit continue abort skip cleanup= n|no-commit commit e|edit s|signoff m|mainline= \
         rerere-autoupdate strategy= X|strategy-option= S|gpg-sign? x ff allow-empty \
         allow-empty-message keep-redundant-commits empty=",
    ),
    (
        "clean",
        "q|quiet n|dry-run f|force i|interactive d e|exclude= x X",
    ),
    (
        "clone",
        "v|verbose q|quiet progress reject-shallow n|no-checkout checkout bare mirror l|local \
         no-hardlinks hardlinks s|shared recurse-submodules? recursive? j|jobs= template= \
         reference= reference-if-able= dissociate o|origin= b|branch= u|upload-pack= depth= \
         shallow-since= shallow-exclude= single-branch no-tags tags shallow-submodules \
         separate-git-dir= ref-format= c|config= server-option= 4|ipv4 6|ipv6 filter= \
         also-filter-submodules remote-submodules sparse bundle-uri=",
    ),
    (
        "commit",
        "q|quiet v|verbose F|file= author= date= m|message= c|reedit-message= C|reuse-message= \
         fixup squash= reset-author trailer= s|signoff t|template= e|edit cleanup= status \
         S|gpg-sign? a|all i|include interactive p|patch o|only n|no-verify verify dry-run short \
         branch ahead-behind porcelain long z|null amend no-post-rewrite post-rewrite \
         u|untracked-files? pathspec-from-file= pathspec-file-nul",
    ),
    (
        "config",
        "global system local worktree f|file= blob= get get-all get-regexp get-urlmatch replace-all \
         add unset unset-all rename-section remove-section l|list fixed-value e|edit z|null \
         name-only show-origin show-scope type= bool int bool-or-int path expiry-date default= \
         includes all regexp= value= comment=",
    ),
    (
        "describe",
        "contains debug all tags long first-parent abbrev? exact-match candidates= match= exclude= \
         always dirty? broken?",
    ),
    (
        "diff",
        "p|patch s|no-patch U|unified= output= raw stat? numstat shortstat summary patch-with-stat \
         name-only name-status color? cached staged merge-base no-index S= G= O= word-diff? \
         diff-filter= l= a|text w|ignore-all-space b|ignore-space-change R exit-code quiet \
         M|find-renames? C|find-copies? D|irreversible-delete relative? submodule? src-prefix= \
         dst-prefix= line-prefix= inter-hunk-context= W|function-context ext-diff textconv \
         ignore-submodules? abbrev? B|break-rewrites? find-object= pickaxe-all pickaxe-regex",
    ),
    ("diff-files", "output="),
    ("diff-index", "output="),
    ("diff-tree", "output="),
    (
        "fast-import",
        "force quiet stats export-marks= import-marks= date-format=",
    ),
    (
        "fetch",
        "v|verbose q|quiet all set-upstream a|append atomic upload-pack= f|force m|multiple t|tags \
         n j|jobs= prefetch p|prune P|prune-tags recurse-submodules? dry-run porcelain \
         write-fetch-head k|keep u|update-head-ok progress depth= shallow-since= shallow-exclude= \
         deepen= unshallow refetch update-shallow refmap= o|server-option= 4|ipv4 6|ipv6 \
         negotiation-tip= negotiate-only filter= auto-maintenance auto-gc show-forced-updates \
         write-commit-graph stdin",
    ),
    (
        "filter-branch",
        "setup= subdirectory-filter= env-filter= tree-filter= index-filter= parent-filter= \
         remap-to-ancestor msg-filter= commit-filter= tag-name-filter= prune-empty original= d= \
         f|force state-branch=",
    ),
    (
        "filter-repo",
        "analyze path= path-match= path-glob= path-regex= paths-from-file= path-rename= \
         path-rename-match= subdirectory-filter= to-subdirectory-filter= replace-text= \
         replace-message= strip-blobs-bigger-than= strip-blobs-with-ids= refs= force invert-paths \
         use-base-name mailmap= use-mailmap commit-callback= blob-callback= message-callback= \
         email-callback= name-callback= filename-callback= tag-callback= refname-callback= \
         reset-callback= replace-refs= prune-empty= prune-degenerate= no-ff preserve-commit-hashes \
         preserve-commit-encoding partial dry-run debug stdin quiet source= target= tag-rename=",
    ),
    ("for-each-repo", "config= keep-going"),
    (
        "format-patch",
        "n|numbered N|no-numbered s|signoff stdout cover-letter numbered-files suffix= \
         start-number= v|reroll-count= filename-max-length= rfc? cover-from-description= \
         description-file= subject-prefix= o|output-directory= k|keep-subject no-binary binary \
         zero-commit ignore-if-in-upstream p|no-stat add-header= to= cc= from? in-reply-to= attach? \
         inline? thread? signature= base= signature-file= q|quiet progress interdiff= range-diff= \
         creation-factor= force-in-body-from output=",
    ),
    (
        "gc",
        "q|quiet prune? cruft max-cruft-size= aggressive auto detach force keep-largest-pack",
    ),
    (
        "log",
        "q|quiet source use-mailmap mailmap clear-decorations decorate-refs= decorate-refs-exclude= \
         decorate? L= n|max-count= skip= since= after= until= before= author= committer= \
         grep-reflog= grep= all-match invert-grep i|regexp-ignore-case E|extended-regexp \
         F|fixed-strings P|perl-regexp all branches? tags? remotes? glob= exclude= reflog \
         g|walk-reflogs graph oneline pretty? format? abbrev-commit date= follow p|patch stat? \
         name-only name-status output= S= G= O= diff-filter=",
    ),
    ("maintenance run", "auto detach schedule= quiet task="),
    (
        "merge",
        "n stat summary log? squash commit e|edit cleanup= ff ff-only rerere-autoupdate \
         verify-signatures s|strategy= X|strategy-option= m|message= F|file= into-name= v|verbose \
         q|quiet abort quit continue allow-unrelated-histories progress S|gpg-sign? autostash \
         overwrite-ignore signoff no-verify verify",
    ),
    (
        "merge-file",
        "p|stdout q|quiet L= diff3 zdiff3 ours theirs union marker-size= object-id diff-algorithm=",
    ),
    ("mv", "v|verbose n|dry-run f|force k sparse"),
    ("notes", "ref="),
    (
        "notes add",
        "m|message= F|file= c|reedit-message= C|reuse-message= allow-empty f|force separator? \
         stripspace",
    ),
    (
        "notes append",
        "m|message= F|file= c|reedit-message= C|reuse-message= allow-empty separator? stripspace",
    ),
    ("notes copy", "f|force stdin for-rewrite="),
    ("notes merge", "v|verbose q|quiet s|strategy= commit abort"),
    ("notes prune", "n|dry-run v|verbose"),
    ("notes remove", "ignore-missing stdin"),
    (
        "prune",
        "n|dry-run v|verbose progress expire= exclude-promisor-objects",
    ),
    ("prune-packed", "n|dry-run q|quiet"),
    (
        "pull",
        "v|verbose q|quiet progress recurse-submodules? r|rebase? n stat log? signoff? squash \
         commit edit cleanup= ff ff-only verify verify-signatures autostash s|strategy= \
         X|strategy-option= S|gpg-sign? allow-unrelated-histories all a|append upload-pack= f|force \
         t|tags p|prune j|jobs? dry-run k|keep depth= shallow-since= shallow-exclude= deepen= \
         unshallow update-shallow refmap= o|server-option= 4|ipv4 6|ipv6 negotiation-tip= \
         show-forced-updates set-upstream",
    ),
    (
        "push",
        "v|verbose q|quiet repo= all branches mirror d|delete tags n|dry-run porcelain f|force \
         force-with-lease? force-if-includes recurse-submodules= thin receive-pack= exec= \
         u|set-upstream progress prune no-verify verify follow-tags signed? atomic o|push-option= \
         4|ipv4 6|ipv6",
    ),
    (
        "read-tree",
        "index-output= empty v|verbose m trivial aggressive reset prefix= u exclude-per-directory= \
         i n|dry-run no-sparse-checkout sparse-checkout debug-unpack recurse-submodules? q|quiet",
    ),
    (
        "rebase",
        "onto= keep-base no-verify verify q|quiet v|verbose n|no-stat stat signoff \
         committer-date-is-author-date reset-author-date C= ignore-whitespace whitespace= \
         f|force-rebase no-ff ff continue skip abort quit edit-todo show-current-patch apply \
         m|merge i|interactive rerere-autoupdate empty= autosquash update-refs S|gpg-sign? \
         autostash x|exec= r|rebase-merges? fork-point s|strategy= X|strategy-option= root \
         reschedule-failed-exec reapply-cherry-picks",
    ),
    ("reflog", "output="),
    ("reflog delete", "n|dry-run rewrite updateref verbose"),
    (
        "reflog expire",
        "n|dry-run rewrite updateref verbose expire= expire-unreachable= stale-fix all \
         single-worktree",
    ),
    ("remote", "v|verbose"),
    ("remote add", "f|fetch tags t|track= m|master= mirror?"),
    ("remote prune", "n|dry-run"),
    ("remote set-url", "push add delete"),
    ("remote update", "p|prune"),
    (
        "repack",
        "a A cruft cruft-expiration= max-cruft-size= d f F n q|quiet l|local b|write-bitmap-index \
         i|delta-islands unpack-unreachable= k|keep-unreachable window= window-memory= depth= \
         threads= max-pack-size= filter= pack-kept-objects keep-pack= g|geometric= m|write-midx \
         expire-to= filter-to=",
    ),
    (
        "replace",
        "l|list d|delete e|edit g|graft convert-graft-file f|force raw format=",
    ),
    (
        "reset",
        "q|quiet no-refresh refresh mixed soft hard merge keep recurse-submodules? p|patch \
         N|intent-to-add pathspec-from-file= pathspec-file-nul",
    ),
    (
        "restore",
        "s|source= S|staged W|worktree ignore-unmerged overlay q|quiet recurse-submodules? progress \
         m|merge conflict= 2|ours 3|theirs p|patch ignore-skip-worktree-bits pathspec-from-file= \
         pathspec-file-nul",
    ),
    (
        "revert",
        "quit continue abort skip cleanup= n|no-commit commit e|edit s|signoff m|mainline= \
         rerere-autoupdate strategy= X|strategy-option= S|gpg-sign? reference",
    ),
    (
        "rm",
        "n|dry-run q|quiet cached f|force r ignore-unmatch sparse pathspec-from-file= \
         pathspec-file-nul",
    ),
    ("shortlog", "output="),
    (
        "show",
        "q|quiet source use-mailmap mailmap clear-decorations decorate-refs= decorate-refs-exclude= \
         decorate? L= n|max-count= skip= since= after= until= before= author= committer= \
         grep-reflog= grep= all-match invert-grep i|regexp-ignore-case E|extended-regexp \
         F|fixed-strings P|perl-regexp all branches? tags? remotes? glob= exclude= reflog \
         g|walk-reflogs graph oneline pretty? format? abbrev-commit date= follow p|patch stat? \
         name-only name-status output= S= G= O= diff-filter=",
    ),
    ("sparse-checkout", "cone sparse-index stdin"),
    ("stash apply", "q|quiet index"),
    ("stash drop", "q|quiet"),
    ("stash pop", "q|quiet index"),
    (
        "stash push",
        "k|keep-index S|staged p|patch q|quiet u|include-untracked a|all m|message= \
         pathspec-from-file= pathspec-file-nul",
    ),
    (
        "stash save",
        "k|keep-index S|staged p|patch q|quiet u|include-untracked a|all m|message=",
    ),
    ("stash show", "u|include-untracked only-untracked output="),
    (
        "submodule",
        "q|quiet cached b|branch= f|force name= reference= all init remote N|no-fetch checkout \
         merge rebase recommend-shallow recursive single-branch filter= depth= jobs= j= files \
         summary-limit= d|default progress dissociate",
    ),
    (
        "switch",
        "c|create= C|force-create= guess discard-changes q|quiet recurse-submodules? progress \
         m|merge conflict= d|detach t|track? f|force orphan= overwrite-ignore \
         ignore-other-worktrees",
    ),
    ("symbolic-ref", "q|quiet d|delete short recurse m="),
    (
        "tag",
        "l|list n? d|delete v|verify a|annotate m|message= F|file= trailer= e|edit s|sign cleanup= \
         u|local-user= f|force create-reflog column? contains= no-contains= merged= no-merged= \
         omit-empty sort= points-at= format= color? i|ignore-case",
    ),
    (
        "update-index",
        "q ignore-submodules add replace remove unmerged refresh really-refresh cacheinfo= chmod= \
         assume-unchanged no-assume-unchanged skip-worktree no-skip-worktree \
         ignore-skip-worktree-entries info-only force-remove z stdin index-info unresolve g|again \
         ignore-missing verbose clear-resolve-undo index-version= show-index-version split-index \
         untracked-cache test-untracked-cache force-untracked-cache force-write-index fsmonitor \
         fsmonitor-valid no-fsmonitor-valid",
    ),
    ("update-ref", "m= d no-deref deref z stdin create-reflog"),
    ("whatchanged", "output="),
    (
        "worktree add",
        "f|force b= B= orphan d|detach checkout lock reason= q|quiet track guess-remote",
    ),
    ("worktree lock", "reason="),
    ("worktree move", "f|force"),
    ("worktree prune", "n|dry-run v|verbose expire="),
    ("worktree remove", "f|force"),
];

/// The grammar of a verb, or of a verb with its second word (`"stash drop"`).
pub fn grammar(verb: &str) -> Grammar {
    let options = OPTIONS
        .binary_search_by(|(name, _)| (*name).cmp(verb))
        .ok()
        .and_then(|at| OPTIONS.get(at))
        .map_or("", |(_, options)| options);
    Grammar {
        options,
        inherited: "help",
        style: GIT,
    }
}
