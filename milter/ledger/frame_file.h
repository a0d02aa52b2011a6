#ifndef POSTERN_FRAME_FILE_H
#define POSTERN_FRAME_FILE_H

#include <stddef.h>

#include "lib/base/errmsg.h"
#include "lib/conf/file.h"
#include "milter/ledger/ledger_frame.h"

/* What was found in a file of frames. A plain value. */
struct frame_totals {
	size_t bytes; /* of the file */
	size_t lost;  /* that belong to no whole frame */
	size_t torn;  /* those of them at the end that begin a frame whose rest is missing */
};

/* Called with each whole frame, whose body lives until it returns. */
typedef void frame_each_fn(void *context, const struct frame *frame);

/*
 * Read the file frame by frame. It takes FRAME_FILE_BUFFER bytes of memory, whatever the size of
 * the file. *totals_r is set if the result is FILE_READ; otherwise err is set, and each() may have
 * been called.
 */
#define FRAME_FILE_BUFFER ((size_t)1 << 20)
enum file_result frame_file_each(const char *path, frame_each_fn *each, void *context,
	struct frame_totals *totals_r, struct errmsg *err);

#endif
