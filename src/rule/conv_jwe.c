#include "tables.h"
const struct conv_row conv_jwe_rows[] = {
	{ .name = NULL },
};
