//! What has to be saved so that it can be brought back, in the words of the tool that loses it.

use std::any::Any;
use std::fmt::Debug;
use std::rc::Rc;

use crate::context::Context;
use crate::world::World;
use guard_store::Unsaved;
use guard_store::manifest::Part;
use guard_store::writer::Writer;

/// What a preview found that has to be saved, and how that is done.
pub trait Wish: Any + Debug {
    /// Puts it into a backup.
    ///
    /// # Errors
    /// When it cannot be saved whole.
    fn save(&self, saving: &Saving<'_>, writer: &mut Writer) -> Result<Vec<Part>, Unsaved>;
}

/// What saving needs to know of the command.
#[derive(Clone, Copy, Debug)]
pub struct Saving<'a> {
    /// Where it runs.
    pub context: &'a Context,
    /// Workspace, homes, mounts.
    pub world: &'a World,
}

/// Everything that has to be saved.
#[derive(Clone, Debug, Default)]
pub struct Wishes(Vec<Rc<dyn Wish>>);

impl Wishes {
    /// Adds one.
    pub fn push(&mut self, wish: impl Wish) {
        self.0.push(Rc::new(wish));
    }

    /// Adds those of another loss.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Wish> {
        self.0.iter().map(|wish| &**wish)
    }

    /// Those of one kind.
    pub fn of<T: Wish>(&self) -> impl Iterator<Item = &T> {
        self.iter()
            .filter_map(|wish| (wish as &dyn Any).downcast_ref())
    }

    /// Takes those of one kind out.
    pub fn take<T: Wish + Clone>(&mut self) -> Vec<T> {
        let taken = self.of::<T>().cloned().collect();
        self.0.retain(|wish| !(&**wish as &dyn Any).is::<T>());
        taken
    }
}
