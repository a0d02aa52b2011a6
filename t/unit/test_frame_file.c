/*
 * Shows that a file of frames that is larger than the buffer is read as a whole, wherever the
 * pieces end, and that damage costs only the frames that it hits.
 */
#include "milter/ledger/frame_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/unit/unit.h"

#define NAME "frames"

/* Frames of many lengths, also the longest, in more than three pieces. */
#define FRAMES 300
static size_t len_of(size_t i)
{
	return i % 7 == 0 ? FRAME_BODY_MAX : (i * 7919) % 20011;
}

static unsigned char body[FRAME_BODY_MAX];
static char folder[] = "/tmp/postern-test-XXXXXX";

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

static void teardown(void)
{
	(void)unlink(NAME);
	ck_assert_int_eq(chdir("/"), 0);
	(void)rmdir(folder);
}

static void add_frames(struct strbuf *buf)
{
	for (size_t i = 0; i < FRAMES; i++) {
		memset(body, (int)(i & 0xff), sizeof(body));
		frame_add(buf, FRAME_RECORD, body, len_of(i));
	}
	ck_assert(!buf->failed);
	ck_assert_uint_gt(buf->len, 3 * FRAME_FILE_BUFFER);
}

static void write_file(const char *bytes, size_t len)
{
	FILE *file = fopen(NAME, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
}

struct seen {
	size_t next, count;
};

/* Frames come in their order; those that are damaged are left out. */
static void check_frame(void *context, const struct frame *frame)
{
	struct seen *seen = context;
	const unsigned char *bytes = frame->body;

	while (seen->next < FRAMES &&
		(len_of(seen->next) != frame->len ||
			(frame->len > 0 && bytes[0] != (seen->next & 0xff))))
		seen->next++;
	ck_assert_uint_lt(seen->next, FRAMES);
	for (size_t i = 0; i < frame->len; i += 1009)
		ck_assert_uint_eq(bytes[i], seen->next & 0xff);
	seen->next++;
	seen->count++;
}

static void read_back(size_t count, struct frame_totals *totals_r)
{
	struct seen seen = { 0, 0 };
	struct errmsg err = { "" };

	ck_assert_int_eq(frame_file_each(NAME, check_frame, &seen, totals_r, &err), FILE_READ);
	ck_assert_uint_eq(seen.count, count);
}

START_TEST(reads_a_file_that_is_larger_than_the_buffer)
	{
		struct strbuf buf = STRBUF_INIT;
		struct frame_totals totals;

		add_frames(&buf);
		write_file(buf.text, buf.len);
		read_back(FRAMES, &totals);
		ck_assert_uint_eq(totals.bytes, buf.len);
		ck_assert_uint_eq(totals.lost, 0);
		ck_assert_uint_eq(totals.torn, 0);
		write_file(buf.text, buf.len - 1);
		read_back(FRAMES - 1, &totals);
		ck_assert_uint_gt(totals.torn, 0);
		ck_assert_uint_eq(totals.lost, totals.torn);
		strbuf_free(&buf);
	}
END_TEST

START_TEST(damage_at_the_end_of_a_piece_costs_only_what_it_hits)
	{
		static const size_t at[] = { FRAME_FILE_BUFFER - 200000, FRAME_FILE_BUFFER - 70000,
			FRAME_FILE_BUFFER - 65549, FRAME_FILE_BUFFER - 20, FRAME_FILE_BUFFER,
			FRAME_FILE_BUFFER + 5 };
		struct strbuf buf = STRBUF_INIT;
		struct frame_totals totals;

		add_frames(&buf);
		for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
			buf.text[at[i]] = (char)(buf.text[at[i]] ^ 0x40);
			write_file(buf.text, buf.len);
			read_back(FRAMES - 1, &totals);
			ck_assert_uint_gt(totals.lost, 0);
			ck_assert_uint_le(totals.lost, FRAME_BODY_MAX + 13);
			buf.text[at[i]] = (char)(buf.text[at[i]] ^ 0x40);
		}
		/* A hole of more than a piece. */
		memset(buf.text + 100, 0, FRAME_FILE_BUFFER + 300000);
		write_file(buf.text, buf.len);
		{
			struct seen seen = { 0, 0 };
			struct errmsg err = { "" };

			ck_assert_int_eq(frame_file_each(NAME, check_frame, &seen, &totals, &err),
				FILE_READ);
			ck_assert_uint_gt(seen.count, FRAMES / 3);
			ck_assert_uint_eq(seen.next, FRAMES);
			ck_assert_uint_gt(totals.lost, FRAME_FILE_BUFFER);
		}
		strbuf_free(&buf);
	}
END_TEST

START_TEST(tells_a_missing_file_from_an_unreadable_one)
	{
		struct seen seen = { 0, 0 };
		struct frame_totals totals;
		struct errmsg err = { "" };

		(void)unlink(NAME);
		ck_assert_int_eq(frame_file_each(NAME, check_frame, &seen, &totals, &err),
			FILE_MISSING);
		ck_assert_str_eq(err.text, "frames: No such file or directory");
		ck_assert_int_eq(frame_file_each("/", check_frame, &seen, &totals, &err),
			FILE_FAILED);
		ck_assert_str_eq(err.text, "/: Is a directory");
		write_file("", 0);
		read_back(0, &totals);
		ck_assert_uint_eq(totals.bytes, 0);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("frame_file");
	TCase *tcase = tcase_create("frame_file");

	tcase_add_unchecked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, reads_a_file_that_is_larger_than_the_buffer);
	tcase_add_test(tcase, damage_at_the_end_of_a_piece_costs_only_what_it_hits);
	tcase_add_test(tcase, tells_a_missing_file_from_an_unreadable_one);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
