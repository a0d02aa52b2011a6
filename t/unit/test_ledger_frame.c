/*
 * Shows that frames are read as they were written, and that damage costs only the frames that it
 * hits, wherever reading begins or ends.
 */
#include "milter/ledger/ledger_frame.h"

#include <string.h>

#include "t/unit/unit.h"

#define FRONT 12 /* bytes before a frame's type */

static const struct {
	enum frame_type type;
	const char *body;
	size_t len;
} frames[] = {
	{ FRAME_HEAD, "head", 4 },
	{ FRAME_RECORD, "", 0 },
	{ FRAME_KEY, "\0\0a key with NULs\0", 18 },
	{ FRAME_MOMENT, "a moment", 8 },
	{ FRAME_RECORD, "\xff\xff\xff\xff", 4 },
	{ FRAME_END, "12345678", 8 },
};
#define FRAMES (sizeof(frames) / sizeof(frames[0]))

static size_t size_of(size_t i)
{
	return FRONT + 1 + frames[i].len;
}

static void add_all(struct strbuf *buf)
{
	for (size_t i = 0; i < FRAMES; i++)
		frame_add(buf, frames[i].type, frames[i].body, frames[i].len);
}

/* Bytes at the end of their memory, so that a sanitizer sees a read beyond them. */
static char *copy_of(const void *bytes, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, len);
	return copy;
}

static struct frame_scan scan_of(const char *bytes, size_t len)
{
	return (struct frame_scan){ .at = bytes, .end = bytes + len };
}

static void ck_frame(const struct frame *frame, size_t i)
{
	ck_assert_int_eq(frame->type, frames[i].type);
	ck_assert_uint_eq(frame->len, frames[i].len);
	ck_assert_mem_eq(frame->body, frames[i].body, frames[i].len);
}

START_TEST(reads_what_was_added)
	{
		struct strbuf buf = STRBUF_INIT;
		struct frame_scan scan;
		struct frame frame;

		add_all(&buf);
		scan = scan_of(buf.text, buf.len);
		for (size_t i = 0; i < FRAMES; i++) {
			ck_assert(frame_next(&scan, &frame));
			ck_frame(&frame, i);
		}
		for (int i = 0; i < 2; i++) {
			frame = (struct frame){ .body = "untouched" };
			ck_assert(!frame_next(&scan, &frame));
			ck_assert_str_eq(frame.body, "untouched");
		}
		ck_assert_uint_eq(scan.lost, 0);
		strbuf_free(&buf);
	}
END_TEST

START_TEST(empty_bytes_contain_no_frame)
	{
		struct frame_scan none = { .at = NULL, .end = NULL }, empty = scan_of("", 0);
		struct frame frame;

		ck_assert(!frame_next(&none, &frame));
		ck_assert(!frame_next(&empty, &frame));
		ck_assert_uint_eq(none.lost + empty.lost, 0);
	}
END_TEST

START_TEST(a_body_may_be_added_piece_by_piece)
	{
		struct strbuf pieces = STRBUF_INIT, whole = STRBUF_INIT;
		size_t start;

		frame_add(&pieces, FRAME_HEAD, "x", 1);
		start = frame_begin(&pieces, FRAME_KEY);
		for (int i = 0; i < 26; i++)
			strbuf_add_char(&pieces, (char)('a' + i));
		frame_finish(&pieces, start);
		frame_add(&whole, FRAME_HEAD, "x", 1);
		frame_add(&whole, FRAME_KEY, "abcdefghijklmnopqrstuvwxyz", 26);
		ck_assert_uint_eq(pieces.len, whole.len);
		ck_assert_mem_eq(pieces.text, whole.text, whole.len);
		strbuf_free(&pieces);
		strbuf_free(&whole);
	}
END_TEST

START_TEST(a_buffer_that_failed_stays_as_it_is)
	{
		struct strbuf buf = { .failed = true };

		frame_add(&buf, FRAME_KEY, "body", 4);
		frame_finish(&buf, frame_begin(&buf, FRAME_KEY));
		ck_assert(buf.failed);
		ck_assert_uint_eq(buf.len, 0);
		strbuf_free(&buf);
	}
END_TEST

START_TEST(a_body_may_have_64_kib_and_no_more)
	{
		struct strbuf buf = STRBUF_INIT;
		char *body = calloc(1, FRAME_BODY_MAX + 1);
		struct frame_scan scan;
		struct frame frame;

		frame_add(&buf, FRAME_KEY, body, FRAME_BODY_MAX + 1);
		frame_add(&buf, FRAME_KEY, body, FRAME_BODY_MAX);
		scan = scan_of(buf.text, buf.len);
		ck_assert(frame_next(&scan, &frame));
		ck_assert_uint_eq(frame.len, FRAME_BODY_MAX);
		ck_assert_uint_eq(scan.lost, FRONT + 1 + FRAME_BODY_MAX + 1);
		ck_assert(!frame_next(&scan, &frame));
		ck_assert_uint_eq(scan.lost, FRONT + 1 + FRAME_BODY_MAX + 1);
		free(body);
		strbuf_free(&buf);
	}
END_TEST

/* After a power failure, the frames before the cut are found, and the rest is lost. */
START_TEST(whole_frames_are_found_before_any_cut)
	{
		struct strbuf buf = STRBUF_INIT;

		add_all(&buf);
		for (size_t len = 0; len < buf.len; len++) {
			char *copy = copy_of(buf.text, len);
			struct frame_scan scan = scan_of(copy, len);
			struct frame frame;
			size_t found = 0, bytes = 0;

			for (; frame_next(&scan, &frame); found++) {
				ck_frame(&frame, found);
				bytes += size_of(found);
			}
			ck_assert_uint_lt(found, FRAMES);
			ck_assert_uint_gt(bytes + size_of(found), len);
			ck_assert_uint_eq(bytes + scan.lost, len);
			free(copy);
		}
		strbuf_free(&buf);
	}
END_TEST

/* The same from the other side: reading begins within a frame. */
START_TEST(whole_frames_are_found_from_any_byte_on)
	{
		struct strbuf buf = STRBUF_INIT;

		add_all(&buf);
		for (size_t from = 0; from < buf.len; from++) {
			char *copy = copy_of(buf.text + from, buf.len - from);
			struct frame_scan scan = scan_of(copy, buf.len - from);
			size_t first = 0, start = 0;
			struct frame frame;

			for (; start < from; first++)
				start += size_of(first);
			for (size_t i = first; i < FRAMES; i++) {
				ck_assert(frame_next(&scan, &frame));
				ck_frame(&frame, i);
			}
			ck_assert(!frame_next(&scan, &frame));
			ck_assert_uint_eq(scan.lost, start - from);
			free(copy);
		}
		strbuf_free(&buf);
	}
END_TEST

static const uint8_t flips[] = { 0x01, 0x80, 0xff };
START_TEST(a_changed_byte_costs_only_its_own_frame)
	{
		struct strbuf buf = STRBUF_INIT;
		size_t hit = 0, end;

		add_all(&buf);
		end = size_of(0);
		for (size_t at = 0; at < buf.len; at++) {
			char *copy = copy_of(buf.text, buf.len);
			struct frame_scan scan = scan_of(copy, buf.len);
			struct frame frame;

			if (at == end)
				end += size_of(++hit);
			copy[at] = (char)(copy[at] ^ flips[_i]);
			for (size_t i = 0; i < FRAMES; i++) {
				if (i == hit)
					continue;
				ck_assert(frame_next(&scan, &frame));
				ck_frame(&frame, i);
			}
			ck_assert(!frame_next(&scan, &frame));
			ck_assert_uint_eq(scan.lost, size_of(hit));
			free(copy);
		}
		strbuf_free(&buf);
	}
END_TEST

START_TEST(bytes_between_frames_cost_no_frame)
	{
		struct strbuf buf = STRBUF_INIT, mark = STRBUF_INIT;
		struct frame_scan scan;
		struct frame frame;
		size_t noise = 0;

		frame_add(&mark, FRAME_KEY, "", 0);
		for (size_t i = 0; i < FRAMES; i++) {
			/* Beginnings of frames that are not whole. */
			strbuf_add(&buf, mark.text, i % FRONT + 1);
			strbuf_add(&buf, mark.text, 4);
			strbuf_add_str(&buf, "noise");
			noise += i % FRONT + 1 + 4 + 5;
			frame_add(&buf, frames[i].type, frames[i].body, frames[i].len);
		}
		scan = scan_of(buf.text, buf.len);
		for (size_t i = 0; i < FRAMES; i++) {
			ck_assert(frame_next(&scan, &frame));
			ck_frame(&frame, i);
		}
		ck_assert(!frame_next(&scan, &frame));
		ck_assert_uint_eq(scan.lost, noise);
		strbuf_free(&buf);
		strbuf_free(&mark);
	}
END_TEST

START_TEST(a_whole_frame_within_a_body_is_a_part_of_it)
	{
		struct strbuf inner = STRBUF_INIT, buf = STRBUF_INIT;
		struct frame_scan scan;
		struct frame frame;

		frame_add(&inner, FRAME_END, "12345678", 8);
		frame_add(&buf, FRAME_KEY, inner.text, inner.len);
		scan = scan_of(buf.text, buf.len);
		ck_assert(frame_next(&scan, &frame));
		ck_assert_int_eq(frame.type, FRAME_KEY);
		ck_assert(!frame_next(&scan, &frame));
		ck_assert_uint_eq(scan.lost, 0);
		strbuf_free(&inner);
		strbuf_free(&buf);
	}
END_TEST

/* A changed length never makes reading leave the bytes. */
START_TEST(no_length_leads_beyond_the_end)
	{
		static const uint32_t lens[] = { 0, 2, 6, FRAME_BODY_MAX + 1, FRAME_BODY_MAX + 2,
			INT32_MAX, UINT32_MAX - FRONT, UINT32_MAX };
		struct strbuf buf = STRBUF_INIT;

		frame_add(&buf, FRAME_KEY, "four", 4);
		for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
			char *copy = copy_of(buf.text, buf.len);
			struct frame_scan scan = scan_of(copy, buf.len);
			struct frame frame;

			memcpy(copy + 4, &lens[i], sizeof(lens[i]));
			ck_assert(!frame_next(&scan, &frame));
			ck_assert_uint_eq(scan.lost, buf.len);
			free(copy);
		}
		strbuf_free(&buf);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ledger_frame");
	TCase *tcase = tcase_create("ledger_frame");

	tcase_add_test(tcase, reads_what_was_added);
	tcase_add_test(tcase, empty_bytes_contain_no_frame);
	tcase_add_test(tcase, a_body_may_be_added_piece_by_piece);
	tcase_add_test(tcase, a_buffer_that_failed_stays_as_it_is);
	tcase_add_test(tcase, a_body_may_have_64_kib_and_no_more);
	tcase_add_test(tcase, whole_frames_are_found_before_any_cut);
	tcase_add_test(tcase, whole_frames_are_found_from_any_byte_on);
	tcase_add_loop_test(tcase, a_changed_byte_costs_only_its_own_frame, 0,
		(int)(sizeof(flips) / sizeof(flips[0])));
	tcase_add_test(tcase, bytes_between_frames_cost_no_frame);
	tcase_add_test(tcase, a_whole_frame_within_a_body_is_a_part_of_it);
	tcase_add_test(tcase, no_length_leads_beyond_the_end);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
