"""What people read of runs and libraries: reports, status, matrix, SARIF, JUnit, the site."""
