/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target of the admin socket's grammar: the input, cut anywhere, gives the same line and payload as in one
 * piece, and commands and words stay inside what was allocated for them.
 */
#include "../../src/admin/cli_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_commands(struct slice line)
{
	struct slice command;
	size_t pos = 0;
	while (cli_next_command(line, &pos, &command)) {
		char *text = malloc(command.len + 1);
		char **argv = malloc((cli_words_max(command.len) + 1) * sizeof(*argv));
		int argc = cli_split(command, text, argv);
		for (int i = 0; i < argc; i++) {
			if (argv[i] < text || argv[i] + strlen(argv[i]) > text + command.len)
				abort();
		}
		free(argv);
		free(text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cli_scan whole = { .at = 0 }, split = { .at = 0 };
	if (size == 0)
		return 0;
	const char *input = (const char *)data + 1;
	size_t len = size - 1, piece = 1 + data[0] % 16;
	bool done = cli_scan(&whole, input, len), split_done = false;
	for (size_t n = 0; n < len && !split_done;) {
		n = MIN(n + piece, len);
		split_done = cli_scan(&split, input, n);
	}
	if (done != split_done)
		abort();
	if (!done)
		return 0;
	if (whole.used != split.used || whole.line_len != split.line_len ||
	    whole.payload_len != split.payload_len || whole.used > len)
		abort();
	check_commands(slice_make(input, whole.line_len));
	return 0;
}
