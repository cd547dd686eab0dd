"""`python -m lab`: see lab/command_line.py."""

import signal
import sys

if __name__ == "__main__":
    # Until the commands' own handlers stand, Ctrl-C ends the program without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from lab.command_line import main

    sys.exit(main(sys.argv[1:]))
