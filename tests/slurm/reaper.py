"""Run a command and reap all that its processes leave behind, as the first process of a machine should.

In many containers that one does not, and SLURM takes a killed job whose zombies remain for one that cannot be killed.
"""

import ctypes
import os
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = subprocess.Popen(sys.argv[1:])
    while os.wait()[0] != child.pid:
        pass
