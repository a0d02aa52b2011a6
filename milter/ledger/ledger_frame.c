/*
 * The frames of the ledger's files: writing them into a buffer, and finding the whole ones in bytes
 * that may be damaged. Owns nothing; any thread may call it.
 */
#include "milter/ledger/ledger_frame.h"

#include <string.h>

#include "lib/base/crc32c.h"

#define MARK UINT32_C(0x4cb7a550)

struct front {
	uint32_t mark, len, crc;
};

size_t frame_begin(struct strbuf *buf, enum frame_type type)
{
	const struct front empty = { .mark = MARK };
	size_t start = buf->len;

	strbuf_add(buf, (const char *)&empty, sizeof(empty));
	strbuf_add_char(buf, (char)type);
	return start;
}

void frame_finish(struct strbuf *buf, size_t start)
{
	struct front front = { .mark = MARK };

	if (buf->failed)
		return;
	front.len = (uint32_t)(buf->len - start - sizeof(front));
	front.crc = crc32c(buf->text + start + sizeof(front), front.len);
	memcpy(buf->text + start, &front, sizeof(front));
}

void frame_add(struct strbuf *buf, enum frame_type type, const void *body, size_t len)
{
	size_t start = frame_begin(buf, type);

	strbuf_add(buf, body, len);
	frame_finish(buf, start);
}

/* Return whether a whole frame begins at `at`. */
static bool is_whole(const char *at, const char *end, struct front *front_r)
{
	struct front front;

	if ((size_t)(end - at) < sizeof(front))
		return false;
	memcpy(&front, at, sizeof(front));
	at += sizeof(front);
	if (front.mark != MARK || front.len < 1 || front.len > FRAME_BODY_MAX + 1 ||
		front.len > (size_t)(end - at) || crc32c(at, front.len) != front.crc)
		return false;
	*front_r = front;
	return true;
}

/* Return whether the bytes are the beginning of a frame whose rest is missing. */
static bool is_torn(const char *at, const char *end)
{
	const size_t len = at == NULL ? 0 : (size_t)(end - at);
	struct front front = { .mark = MARK };

	if (len == 0)
		return false;
	if (len < sizeof(front))
		return memcmp(at, &front, len < sizeof(front.mark) ? len : sizeof(front.mark)) == 0;
	memcpy(&front, at, sizeof(front));
	return front.mark == MARK && front.len > len - sizeof(front) &&
		front.len <= FRAME_BODY_MAX + 1;
}

bool frame_next(struct frame_scan *scan, struct frame *frame_r)
{
	const uint32_t mark = MARK;
	const char *from = scan->at, *at = from;
	struct front front;

	while (at != NULL && !is_whole(at, scan->end, &front))
		at = scan->end - at > 1 ?
			memmem(at + 1, (size_t)(scan->end - at - 1), &mark, sizeof(mark)) :
			NULL;
	if (at == NULL) {
		scan->torn = is_torn(from, scan->end) ? (size_t)(scan->end - from) : 0;
		scan->lost += (size_t)(scan->end - from);
		scan->at = scan->end;
		return false;
	}
	scan->lost += (size_t)(at - from);
	at += sizeof(front);
	*frame_r = (struct frame){ (enum frame_type) * at, at + 1, front.len - 1 };
	scan->at = at + front.len;
	return true;
}
