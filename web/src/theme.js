// Runs before the first paint, so that a chosen scheme does not flash. A file of its own: inline script is forbidden.
try {
	const theme = localStorage.getItem('mainstay-theme')
	if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch { /* storage may be denied; then the system's scheme is used */ }
