/*
 * Finds users of the machine who have rights on a file that only root and the daemon should have.
 * Holds no state; any thread.
 */
#include "lib/conf/file_access.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/conf/file.h"
#include "lib/conf/file_wait.h"

#define LINKS_MAX 40 /* as in path_resolution(7) */

#define PEOPLE_MIN 1000	   /* the lowest id of a user who is no service; see login.defs(5) */
#define UNKNOWN_USER 65534 /* the id that users have outside of a user namespace */

/* ---- following a path ------------------------------------------------------------------------ */

struct walk {
	const struct file_use *use;
	struct problems *problems;
	int fd;			   /* the directory that is reached */
	char folder[2 * PATH_MAX]; /* its path without links; "": the root directory */
	char rest[2 * PATH_MAX];   /* the names that follow */
	unsigned links;
	bool is_noted; /* the directory is noted by itself */
	bool is_open;  /* every user may search all directories until here */
};

static void note_owner(const struct walk *w, const char *what, uid_t owner, const char *so)
{
	problems_note(w->problems,
		"%s: %s%s" FILE_BELONGS "%lu, who can %s%s; make it belong to root or to the "
		"daemon's user (chown)",
		w->use->path, what, what[0] == '\0' ? "" : " ", (unsigned long)owner, so,
		w->use->can);
}

/* Return whether an owner is a stranger. The directories of sockets may belong to the user of the
 * MTA, who is the user of a service. */
static bool is_stranger(const struct walk *w, const struct stat *st)
{
	return !file_is_owned(st, w->use->user) &&
		(!w->use->is_socket || (st->st_uid >= PEOPLE_MIN && st->st_uid != UNKNOWN_USER));
}

/* Note who else can put something else in the place of a directory's entry (NULL: there is none).
 */
static void note_entry(const struct walk *w, const struct stat *directory, const char *name,
	const struct stat *entry)
{
	const bool is_sticky = (directory->st_mode & S_ISVTX) != 0;
	const char *folder = w->folder[0] == '\0' ? "/" : w->folder;
	char what[2 * PATH_MAX];

	if (is_stranger(w, directory)) {
		(void)text_format(what, sizeof(what), "the directory %s", folder);
		note_owner(w, what, directory->st_uid, "replace what is in it and ");
	}
	if ((directory->st_mode & S_IWOTH) == 0)
		return;
	if (!is_sticky || entry == NULL) {
		problems_note(w->problems,
			"%s: the mode of the directory %s is %04o, so that " FILE_EVERY_USER
			" put another %s in its place and %s; use %s",
			w->use->path, folder, (unsigned)(directory->st_mode & 07777), name,
			w->use->can,
			is_sticky ? "another directory" : "chmod o-w on the directory");
	} else if (is_stranger(w, entry) && !S_ISREG(entry->st_mode)) {
		(void)text_format(what, sizeof(what), "%s/%s", w->folder, name);
		note_owner(w, what, entry->st_uid, "replace it and ");
	}
}

/* Note who else can change what the path leads to. */
static void note_end(const struct walk *w, const struct stat *st)
{
	const unsigned mode = st->st_mode & 07777;

	if (w->use->is_socket)
		return;
	if ((mode & S_IWOTH) != 0)
		problems_note(w->problems,
			"%s: its mode is %04o, so that " FILE_EVERY_USER " %s; use chmod o-w",
			w->use->path, mode, w->use->can);
	if (!file_is_owned(st, w->use->user))
		note_owner(w, "", st->st_uid, "");
	if (w->use->secret != NULL && w->is_open && (mode & S_IROTH) != 0)
		problems_note(w->problems,
			"%s: its mode is %04o, so that " FILE_EVERY_USER " read %s; use chmod o-r",
			w->use->path, mode, w->use->secret);
}

/* Go to a directory, whose descriptor the walk then owns. */
static void go_to(struct walk *w, int fd)
{
	if (w->fd >= 0)
		(void)close(w->fd);
	w->fd = fd;
}

/* Append to the path of the directory. Returns 0, or -1 if it becomes too long. */
static int add_folder(struct walk *w, const char *slash, const char *name)
{
	const size_t len = strlen(w->folder), size = sizeof(w->folder) - len;

	return (size_t)text_format(w->folder + len, size, "%s%s", slash, name) < size ? 0 : -1;
}

static int set_rest(struct walk *w, const char *path, const char *more)
{
	char rest[sizeof(w->rest)];
	const int len = text_format(rest, sizeof(rest), "%s/%s", path, more);

	memcpy(w->rest, rest, sizeof(rest));
	return len < (int)sizeof(rest) ? 0 : -1;
}

static int go_to_root(struct walk *w)
{
	go_to(w, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
	w->folder[0] = '\0';
	return w->fd < 0 ? -1 : 0;
}

/* Put the target of a link before the names that follow. Returns -1 if it cannot be followed. */
static int follow(struct walk *w, int link)
{
	char target[PATH_MAX];
	const ssize_t len = readlinkat(link, "", target, sizeof(target) - 1);

	if (len <= 0 || ++w->links > LINKS_MAX)
		return -1;
	target[len] = '\0';
	if (set_rest(w, target, w->rest) != 0)
		return -1;
	return target[0] == '/' ? go_to_root(w) : 0;
}

/* Cut the first name off the ones that follow. Returns whether there is one. */
static bool take_name(struct walk *w, char name_r[NAME_MAX + 1])
{
	const char *name = w->rest + strspn(w->rest, "/");
	const size_t len = strcspn(name, "/");

	if (len == 0 || len > NAME_MAX)
		return false;
	memcpy(name_r, name, len);
	name_r[len] = '\0';
	name += len + strspn(name + len, "/");
	memmove(w->rest, name, strlen(name) + 1);
	return true;
}

/* Enter the directory of the name. */
static int enter(struct walk *w, const char *name, int fd)
{
	char *slash;

	go_to(w, fd);
	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") != 0)
		return add_folder(w, "/", name);
	if ((slash = strrchr(w->folder, '/')) != NULL)
		*slash = '\0';
	return 0;
}

/* Follow one name. Returns whether the path goes on. */
static bool step(struct walk *w)
{
	struct stat directory, entry;
	char name[NAME_MAX + 1];
	bool is_last, goes_on;
	int fd;

	if (!take_name(w, name) || fstat(w->fd, &directory) != 0)
		return false;
	is_last = w->rest[0] == '\0';
	w->is_open = w->is_open && (directory.st_mode & S_IXOTH) != 0;
	if ((fd = openat(w->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)) >= 0 &&
		fstat(fd, &entry) != 0) {
		(void)close(fd);
		return false;
	}
	if (fd < 0 && errno != ENOENT)
		return false;
	if (!w->is_noted && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
		note_entry(w, &directory, name,
			fd < 0 || (is_last && w->use->is_made) ? NULL : &entry);
	w->is_noted = false;
	if (fd < 0)
		return false;
	if (!S_ISLNK(entry.st_mode) && !is_last)
		return enter(w, name, fd) == 0; /* if it is no directory, the next step ends */
	goes_on = S_ISLNK(entry.st_mode) && follow(w, fd) == 0;
	if (!S_ISLNK(entry.st_mode))
		note_end(w, &entry);
	(void)close(fd);
	return goes_on;
}

static int start(struct walk *w, const char *path)
{
	const char *folder = w->use->folder;
	const size_t len = folder == NULL ? 0 : strlen(folder);

	if (folder == NULL || strncmp(path, folder, len) != 0)
		return set_rest(w, path, "") == 0 ? go_to_root(w) : -1;
	w->is_noted = true;
	go_to(w, open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC));
	return w->fd >= 0 && add_folder(w, "", folder) == 0 ? set_rest(w, path + len, "") : -1;
}

void file_note_use(const struct file_use *use, struct problems *problems)
{
	char *path = use->path[0] == '\0' ? NULL :
		use->folder != NULL	  ? strdup(use->path) :
					    file_absolute(use->path);
	struct walk *w = calloc(1, sizeof(*w));

	if (path != NULL && w != NULL) {
		w->use = use;
		w->problems = problems;
		w->fd = -1;
		w->is_open = true;
		file_wait_begin(path);
		if (start(w, path) == 0)
			while (step(w))
				;
		if (w->fd >= 0)
			(void)close(w->fd);
		file_wait_end();
	}
	free(w);
	free(path);
}
