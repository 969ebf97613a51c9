#include "CFastCGI.h"
