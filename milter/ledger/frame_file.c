/*
 * Reads a file of frames in pieces, because the files of a full ledger are larger than the ledger
 * itself. Owns nothing between calls; any thread may call it.
 */
#include "milter/ledger/frame_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The bytes of the longest frame: the mark, the length, the checksum, the type and the body. */
#define FRAME_MAX ((size_t)3 * sizeof(uint32_t) + 1 + FRAME_BODY_MAX)

_Static_assert(FRAME_FILE_BUFFER >= 2 * FRAME_MAX, "each piece must bring the reading forward");

/*
 * Read the frames of a piece, and return how many bytes of it are done. Unless it is the last one,
 * the rest may begin a frame that continues in the next piece. Damage is searched to the end of the
 * piece: a frame that is not whole there begins in its last bytes.
 */
static size_t read_piece(const char *piece, size_t len, bool is_last, frame_each_fn *each,
	void *context, struct frame_totals *totals)
{
	struct frame_scan scan = { .at = piece, .end = piece + len };
	struct frame frame;
	size_t left, lost;

	for (;;) {
		left = (size_t)(scan.end - scan.at);
		lost = scan.lost;
		if (!is_last && left < FRAME_MAX)
			break;
		if (!frame_next(&scan, &frame)) {
			left = is_last ? 0 : FRAME_MAX - 1;
			lost = scan.lost - left;
			break;
		}
		each(context, &frame);
	}
	totals->lost += lost;
	totals->torn = scan.torn;
	return len - left;
}

/* Fill the buffer, which has len bytes already. Returns their number, or -1 with errno set. */
static ssize_t fill(int fd, char *buffer, size_t len)
{
	ssize_t got;

	while (len < FRAME_FILE_BUFFER) {
		got = read(fd, buffer + len, FRAME_FILE_BUFFER - len);
		if (got == 0)
			break;
		if (got < 0 && errno != EINTR)
			return -1;
		len += got > 0 ? (size_t)got : 0;
	}
	return (ssize_t)len;
}

/* Returns 0, or -1 with errno set. */
static int read_frames(int fd, char *buffer, frame_each_fn *each, void *context,
	struct frame_totals *totals)
{
	bool is_last = false;
	size_t len = 0, done;
	ssize_t filled;

	while (!is_last) {
		if ((filled = fill(fd, buffer, len)) < 0)
			return -1;
		totals->bytes += (size_t)filled - len;
		len = (size_t)filled;
		is_last = len < FRAME_FILE_BUFFER;
		done = read_piece(buffer, len, is_last, each, context, totals);
		len -= done;
		memmove(buffer, buffer + done, len);
	}
	return 0;
}

static int open_regular(const char *path)
{
	/* With O_NONBLOCK, a FIFO in place of the file does not block the thread. */
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int error = 0;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) != 0)
		error = errno;
	else if (!S_ISREG(st.st_mode))
		error = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	if (error == 0)
		return fd;
	(void)close(fd);
	errno = error;
	return -1;
}

enum file_result frame_file_each(const char *path, frame_each_fn *each, void *context,
	struct frame_totals *totals_r, struct errmsg *err)
{
	struct frame_totals totals = { 0, 0, 0 };
	char *buffer;
	int fd, ret;

	if ((fd = open_regular(path)) < 0) {
		(void)errmsg_set(err, "%s: %s", path, strerror(errno));
		return errno == ENOENT ? FILE_MISSING : FILE_FAILED;
	}
	buffer = malloc(FRAME_FILE_BUFFER);
	ret = buffer == NULL ? -1 : read_frames(fd, buffer, each, context, &totals);
	if (ret != 0)
		(void)errmsg_set(err, "%s: %s", path,
			buffer == NULL ? "out of memory" : strerror(errno));
	free(buffer);
	(void)close(fd);
	if (ret == 0)
		*totals_r = totals;
	return ret == 0 ? FILE_READ : FILE_FAILED;
}
