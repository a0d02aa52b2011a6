/*
 * Decides when the journal of the JSON file is written, and when the file. The cache thread owns
 * the store_sync. Shown by t/unit/test_store_sync.c and t/integration/test_database_journal.py.
 */
#include "milter/cache/store_sync.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/store/store_changes.h"
#include "milter/cache/store_job.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"

#define RETRY_MS 30000	  /* after a write that failed */
#define LOCK_WAIT_MS 3000 /* for a daemon that is just ending, at the first write */
#define LOCK_LOOK_MS 2000 /* between two looks whether another daemon has ended */
#define ROOM_LOOK_MS 1000 /* between two looks whether there is room for it by now */

struct store_sync {
	int wake_fd;
	struct job *running;		 /* the write in progress; NULL: there is none */
	const struct store_job *writing; /* its context */
	struct job *look;		 /* at what the last write has left; NULL: none */
	int64_t look_after;		 /* the earliest next one */
	int lock_fd;			 /* of the store, since the first write; -1: none */
	bool is_locked_out;		 /* another daemon had the lock at the last write */
	char *path;			 /* NULL: no rows are wanted */
	struct store rows;		 /* that are wanted */
	bool is_read;			 /* they are those that the file had at the start */

	/*
	 * While is_based, the file and its journal as base describes them, or as the write in
	 * progress will leave them, give the rows once `lines` have been appended.
	 */
	bool is_based;
	struct store_base base;
	struct strbuf lines;
	bool is_dirty;	 /* the rows, their revision or time are not yet written */
	bool is_leaving; /* the file will be left to people as soon as it is complete */

	int64_t journal_after, file_after; /* the earliest next write of each */
	int64_t file_at;      /* when the file is written; CLOCK_NEVER: it is not wanted */
	int64_t retry_after;  /* the next attempt after a failure */
	int64_t retry_anyway; /* until then, an attempt waits for room */
	uint64_t room;	      /* bytes that were free after the failure */

	time_t written;
	struct errmsg error;
	size_t left_out;
};

struct store_sync *store_sync_new(int wake_fd)
{
	struct store_sync *sync = calloc(1, sizeof(*sync));

	if (sync != NULL) {
		sync->wake_fd = wake_fd;
		sync->lock_fd = -1;
		sync->file_at = CLOCK_NEVER;
	}
	return sync;
}

/* ---- what is wanted ------------------------------------------------------------- */

/* Have the whole file written, because no journal leads from it to the rows. */
static void lose_base(struct store_sync *sync)
{
	sync->is_based = false;
	strbuf_free(&sync->lines);
}

static void forget(struct store_sync *sync)
{
	lose_base(sync);
	job_abandon(&sync->look);
	store_clear(&sync->rows);
	free(sync->path);
	sync->path = NULL;
	sync->base = (struct store_base){ .checksum = "" };
	sync->is_dirty = sync->is_leaving = sync->is_read = sync->is_locked_out = false;
	sync->error.text[0] = '\0';
	sync->file_at = CLOCK_NEVER;
	file_lock_release(&sync->lock_fd);
}

static bool is_journal_long(const struct store_base *base)
{
	const uint64_t quarter = base->file.size / 4;

	return base->end.len > STORE_SYNC_JOURNAL_MAX ||
		(base->end.len > STORE_SYNC_JOURNAL_MIN && base->end.len > quarter);
}

/* Return whether the whole file must be written. */
static bool needs_file(const struct store_sync *sync)
{
	return !sync->is_based || is_journal_long(&sync->base) ||
		(sync->is_leaving && (sync->is_dirty || sync->base.end.len > 0));
}

/* Decide when the file is written, after anything has changed. */
static void plan_file(struct store_sync *sync, int64_t now)
{
	if (sync->path == NULL || !needs_file(sync)) {
		sync->file_at = CLOCK_NEVER;
		return;
	}
	if (sync->file_at == CLOCK_NEVER)
		sync->file_at = now + (sync->is_leaving ? 0 : STORE_SYNC_SOON_MS);
	if (sync->file_at < sync->file_after)
		sync->file_at = sync->file_after;
}

/* Take over new references in place of the old rows. Returns 0, or -1 when out of memory. */
static int set_rows(struct store_sync *sync, const char *path, const struct store *rows)
{
	char *new_path = strdup(path), *revision = strdup(rows->revision);

	if (new_path == NULL || revision == NULL) {
		free(new_path);
		free(revision);
		return -1;
	}
	free(sync->path);
	sync->path = new_path;
	store_clear(&sync->rows);
	sync->rows.profiles = profiles_ref(rows->profiles);
	sync->rows.users = users_ref(rows->users);
	sync->rows.revision = revision;
	sync->rows.written = rows->written;
	return 0;
}

void store_sync_begin(struct store_sync *sync, const char *path, const struct store *store)
{
	if (sync->running != NULL)
		return; /* the rows that are being written are newer */
	forget(sync);
	if (!store->is_machine || store->base.checksum[0] == '\0' ||
		set_rows(sync, path, store) < 0)
		return;
	sync->base = store->base;
	sync->is_based = sync->is_read = true;
}

void store_sync_want(struct store_sync *sync, const char *path, struct profiles *profiles,
	struct users *users, const char *revision, time_t right_at, int64_t now)
{
	const struct store rows = {
		.profiles = profiles,
		.users = users,
		.revision = (char *)revision,
		.written = (int64_t)right_at,
	};

	if (sync->is_based &&
		(sync->path == NULL || strcmp(path, sync->path) != 0 ||
			store_changes_add(&sync->lines, &sync->rows, &rows, STORE_SYNC_LINES_MAX) <
				0))
		lose_base(sync);
	if (set_rows(sync, path, &rows) < 0) {
		forget(sync); /* the next change will try again */
		return;
	}
	sync->is_dirty = true;
	sync->is_leaving = sync->is_read = false;
	plan_file(sync, now);
}

void store_sync_leave(struct store_sync *sync, int64_t now)
{
	/* Without a base, the file lacks rows, unless it was never this daemon's. */
	sync->is_leaving = sync->path != NULL && !sync->is_locked_out &&
		(sync->is_based ?
				sync->running != NULL || sync->is_dirty || sync->base.end.len > 0 :
				sync->base.file.exists);
	sync->file_after = now;
	if (!sync->is_leaving)
		forget(sync);
	else
		plan_file(sync, now);
}

/* ---- failures ------------------------------------------------------------------- */

/* Log each reason once. */
static void note_failure(struct store_sync *sync, const struct errmsg *err)
{
	if (strcmp(err->text, sync->error.text) != 0)
		log_event(LOG_LEVEL_WARNING, "store not written, the previous file stays: %s",
			err->text);
	sync->error = *err;
}

/* After a failure, write again when there is more room, and after RETRY_MS in any case. If another
 * daemon has the lock, try again when it may have ended. */
static void plan_retry(struct store_sync *sync, uint64_t room, int64_t ended)
{
	sync->room = room;
	sync->retry_after = ended + (sync->is_locked_out ? LOCK_LOOK_MS : ROOM_LOOK_MS);
	sync->retry_anyway = sync->is_locked_out ? sync->retry_after : ended + RETRY_MS;
}

/* ---- writing -------------------------------------------------------------------- */

/* Make a write of what is wanted. NULL when out of memory. */
static struct store_job *make_job(struct store_sync *sync, bool is_whole, int64_t now)
{
	struct store_job *job = store_job_new(sync->path);

	if (job == NULL)
		return NULL;
	job->base = sync->base;
	job->has_base = sync->is_based;
	job->is_whole = is_whole;
	job->only_if_same = sync->is_leaving || sync->is_read;
	job->waits_for_room = now < sync->retry_anyway;
	job->room = sync->room;
	job->lock_wait_ms = sync->is_read || sync->error.text[0] != '\0' ? 0 : LOCK_WAIT_MS;
	job->began = now;
	if (is_whole) {
		job->rows.profiles = profiles_ref(sync->rows.profiles);
		job->rows.users = users_ref(sync->rows.users);
		job->rows.written = sync->rows.written;
		if ((job->rows.revision = strdup(sync->rows.revision)) == NULL)
			store_job_free(&job);
	}
	return job;
}

/* Move the lines to the job, or those of a job before the present ones. Returns whether none was
 * lost. */
static bool move_lines(struct strbuf *lines, struct strbuf *to)
{
	if (to->len > 0 && lines->len > 0)
		strbuf_add(to, lines->text, lines->len);
	if (to->len > 0) {
		strbuf_free(lines);
		*lines = (struct strbuf)STRBUF_INIT;
		return !to->failed;
	}
	*to = *lines;
	*lines = (struct strbuf)STRBUF_INIT;
	return true;
}

static void begin_writing(struct store_sync *sync, bool is_whole, int64_t now)
{
	static const struct errmsg no_memory = { "out of memory" };
	struct store_job *job = make_job(sync, is_whole, now);
	bool is_lost = false;

	job_abandon(&sync->look); /* it would find what is being written */
	if (job != NULL && sync->is_based && sync->is_dirty) {
		(void)move_lines(&sync->lines, &job->lines);
		store_changes_end(&job->lines, &sync->rows);
		if ((is_lost = job->lines.failed))
			store_job_free(&job);
	}
	if (job != NULL) {
		sync->writing = job;
		job->lock_fd = sync->lock_fd;
		sync->lock_fd = -1;
		is_lost = (sync->running = store_job_start(job, sync->wake_fd)) == NULL;
	}
	if (job == NULL || is_lost) {
		if (is_lost)
			lose_base(sync);
		note_failure(sync, &no_memory);
		plan_retry(sync, 0, now);
		plan_file(sync, now);
		return;
	}
	sync->is_dirty = false;
	sync->is_based = true; /* the lines from now on follow these rows */
	sync->file_at = CLOCK_NEVER;
}

/* Log the rows that the file lacks. */
static void note_left_out(struct store_sync *sync, const struct store_job *job)
{
	const struct problems *problems = job->problems;
	const size_t left_out = problems_count(problems);
	size_t i;

	for (i = 0; left_out > 0 && left_out != sync->left_out && i < problems_kept(problems); i++)
		log_event(LOG_LEVEL_WARNING, "store: %s", problems_text(problems, i));
	sync->left_out = left_out;
	for (i = 0; i < problems_level_kept(problems, PROBLEM_NOTE); i++)
		log_event(LOG_LEVEL_NOTICE, "store: %s",
			problems_level_text(problems, PROBLEM_NOTE, i));
	log_event(LOG_LEVEL_DEBUG, "store written users=%zu took=%dms",
		users_count(job->rows.users), (int)(job->ended - job->began));
}

static void note_success(struct store_sync *sync, const struct store_job *job)
{
	sync->base = job->base;
	sync->written = time(NULL);
	sync->retry_after = sync->retry_anyway = 0;
	if (job->was_written)
		note_left_out(sync, job);
	else if (needs_file(sync))
		return; /* the file may still have failed */
	if (sync->error.text[0] != '\0')
		log_event(LOG_LEVEL_NOTICE, "store written again");
	sync->error.text[0] = '\0';
}

/* Note what became of the lines of a write after which the file is the same as before. */
static void end_appending(struct store_sync *sync, struct store_job *job)
{
	const bool has_lines = job->lines.len > 0;

	if (!job->has_base || (has_lines && job->appended == JOURNAL_OUTDATED)) {
		lose_base(sync);
		sync->is_dirty = true;
		return;
	}
	sync->base = job->base;
	if (!has_lines || job->appended == JOURNAL_APPENDED)
		return;
	if (!move_lines(&sync->lines, &job->lines) || job->lines.len > STORE_SYNC_LINES_MAX)
		lose_base(sync);
	else
		(void)move_lines(&job->lines, &sync->lines);
	sync->is_dirty = true;
}

/* Note a failure, and when to try again. */
static void end_failed(struct store_sync *sync, const struct store_job *job)
{
	const bool are_kept = job->has_base && job->appended == JOURNAL_APPENDED;

	if (job->appended == JOURNAL_OUTDATED && !job->is_whole) {
		log_event(LOG_LEVEL_NOTICE, "store: %s; it is written anew", job->err.text);
		return;
	}
	note_failure(sync, &job->err);
	if (are_kept) /* only the file has failed, and further changes may fit into the journal */
		sync->file_after = job->ended + RETRY_MS;
	else
		plan_retry(sync, job->room, job->ended);
}

/* Return whether the file is left to people now: it has all rows, or they have replaced it. */
static bool was_left(const struct store_sync *sync, const struct store_job *job)
{
	return !needs_file(sync) ||
		(job->is_whole && job->only_if_same && !job->was_written &&
			job->err.text[0] == '\0');
}

/* The thread has ended: note its result, and decide when the next write may begin. */
static void end_writing(struct store_sync *sync, struct store_job *job)
{
	const int64_t pause = (job->ended - job->began) * 4,
		      least = job->was_written ? STORE_SYNC_PAUSE_MS : ROOM_LOOK_MS;
	const bool has_failed = job->err.text[0] != '\0';

	sync->lock_fd = job->lock_fd;
	job->lock_fd = -1;
	if (job->lacks_room) {
		end_appending(sync, job);
		sync->retry_after = job->ended + ROOM_LOOK_MS;
		plan_file(sync, job->ended);
		store_job_free(&job);
		return;
	}
	sync->is_locked_out = job->lock == FILE_LOCK_BUSY;
	if (job->is_whole)
		sync->file_after = job->ended + (pause > least ? pause : least);
	sync->journal_after = job->appended_at + STORE_SYNC_JOURNAL_MS;
	sync->look_after = job->ended + STORE_SYNC_LOOK_MS;
	if (job->was_written || !has_failed)
		note_success(sync, job);
	else
		end_failed(sync, job);
	if (!job->was_written)
		end_appending(sync, job);
	if (sync->path == NULL || (sync->is_leaving && was_left(sync, job)))
		forget(sync);
	plan_file(sync, job->ended);
	store_job_free(&job);
}

/* ---- looks ---------------------------------------------------------------------- */

int64_t store_sync_look_due(const struct store_sync *sync)
{
	const bool is_ours = sync->is_based && sync->lock_fd >= 0 && !sync->is_read &&
		!sync->is_leaving && sync->look == NULL && sync->error.text[0] == '\0';

	return is_ours && sync->running == NULL ? sync->look_after : CLOCK_NEVER;
}

/* Have the file written again if it is lost: a start without the database needs it. */
static void attend_look(struct store_sync *sync, int64_t now)
{
	if (sync->look != NULL && job_wait(sync->look, 0) && store_look_end(&sync->look)) {
		log_event(LOG_LEVEL_WARNING, "store file=lost");
		lose_base(sync);
		sync->is_dirty = true;
		plan_file(sync, now);
	}
	if (now >= store_sync_look_due(sync)) {
		sync->look_after = now + STORE_SYNC_LOOK_MS; /* also without memory for it */
		sync->look = store_look_start(sync->path, &sync->base, sync->wake_fd);
	}
}

enum store_sync_event store_sync_attend(struct store_sync *sync, int64_t now)
{
	enum store_sync_event event = STORE_SYNC_NOTHING;
	struct store_job *job;

	if (sync->running != NULL && job_wait(sync->running, 0)) {
		job = job_finish(&sync->running);
		if (!job->lacks_room)
			event = job->is_whole && job->lock == FILE_LOCKED ? STORE_SYNC_RELEASED :
									    STORE_SYNC_APPENDED;
		end_writing(sync, job);
	}
	attend_look(sync, now);
	if (now >= store_sync_due(sync))
		begin_writing(sync, now >= sync->file_at, now);
	return event;
}

int64_t store_sync_due(const struct store_sync *sync)
{
	int64_t due = sync->file_at;

	if (sync->running != NULL) /* without a thread, it has ended already */
		return job_refused(sync->running) != 0 ? 0 : CLOCK_NEVER;
	if (sync->is_based && sync->is_dirty)
		due = clock_earlier(due, sync->journal_after);
	return due == CLOCK_NEVER || due > sync->retry_after ? due : sync->retry_after;
}

struct store_sync_state store_sync_state(const struct store_sync *sync)
{
	return (struct store_sync_state){
		.written = sync->written,
		.error = &sync->error,
		.left_out = sync->left_out,
		.is_locked_out = sync->is_locked_out,
		.journal_bytes = sync->base.end.len,
		.writing_since = sync->running == NULL ? 0 : job_begun(sync->running),
		.writing_path = sync->running == NULL ? "" : sync->writing->path,
	};
}

/* ---- the end -------------------------------------------------------------------- */

/* Wait for the write in progress, and abandon it at the deadline. Returns whether it has ended; if
 * not, *is_kept_r is whether its lines are in the journal. */
static bool wait_for_end(struct store_sync *sync, int64_t deadline, bool *is_kept_r)
{
	*is_kept_r = false;
	if (sync->running == NULL)
		return true;
	if (job_wait(sync->running, deadline)) {
		end_writing(sync, job_finish(&sync->running));
		return true;
	}
	*is_kept_r = atomic_load(&sync->writing->is_kept);
	job_abandon(&sync->running);
	return false;
}

void store_sync_free(struct store_sync **sync, int wait_ms)
{
	struct store_sync *s = *sync;
	int64_t deadline = clock_ms() + wait_ms;
	bool has_ended, is_kept;

	*sync = NULL;
	if (s == NULL)
		return;
	has_ended = wait_for_end(s, deadline, &is_kept);
	s->retry_anyway = 0; /* this is the last attempt */
	if (has_ended && s->path != NULL && (s->is_dirty || !s->is_based || s->base.end.len > 0)) {
		begin_writing(s, true, clock_ms());
		has_ended = wait_for_end(s, deadline, &is_kept);
	}
	if (s->is_locked_out)
		log_event(LOG_LEVEL_NOTICE,
			"store not written before the end, because another daemon writes it");
	else if (has_ended ? s->path != NULL && (s->is_dirty || !s->is_based) :
			     !is_kept || s->is_dirty)
		log_event(LOG_LEVEL_ERROR,
			"store not written before the end: a start without the database would use older rules: %s",
			has_ended ? s->error.text : "writing takes too long");
	forget(s);
	free(s);
}
