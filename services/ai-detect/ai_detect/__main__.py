"""`python -m ai_detect api|worker`. The guard matters: the reading process imports this module again."""

from ai_detect.app import main

if __name__ == "__main__":
    main()
